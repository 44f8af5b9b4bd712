package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/goccy/go-yaml"
)

// Config says what a [Simulator] starts with. The zero value serves
// [DefaultWorld], answers at once, rings at once and posts no webhooks.
type Config struct {
	// World is what the provider would have on file. Empty means DefaultWorld.
	World World `yaml:",inline"`
	// Rules choose faults; the first that matches a request decides.
	Rules []Rule `yaml:"rules"`
	// Latency holds back every answer of the provider's endpoints.
	Latency Latency `yaml:"latency"`
	// Timing is the course of a call that was accepted.
	Timing Timing `yaml:"timing"`
	// Seed makes rates and jitter repeatable: equal seeds and equal requests
	// meet equal faults, whatever the order in which identities interleave.
	Seed uint64 `yaml:"seed"`
	// NoMagic turns the magic callees off.
	NoMagic bool `yaml:"no_magic"`
	// CountsOnly makes the oracle keep counts without times and request_uuids:
	// for benchmarks, where every POST kept would measure the memory.
	CountsOnly bool `yaml:"counts_only"`
	// Webhooks posts the ring, answer and hangup hooks; nil posts none. It is
	// used without its cookie jar and never follows a redirect.
	Webhooks *http.Client `yaml:"-"`
}

// Latency is how long an answer is held back: Fixed plus a share of Jitter.
type Latency struct {
	Fixed  time.Duration `json:"fixed" yaml:"fixed"`
	Jitter time.Duration `json:"jitter" yaml:"jitter"`
}

func (l Latency) validate() error {
	if l.Fixed < 0 || l.Jitter < 0 {
		return fmt.Errorf("latency: fixed %s, jitter %s: neither may be negative", l.Fixed, l.Jitter)
	}
	return nil
}

// Timing is the course of an accepted call. The zero value rings at the moment
// of acceptance and, with webhooks on, posts all hooks without a pause.
type Timing struct {
	// RingDelay passes between acceptance and the ring.
	RingDelay time.Duration `yaml:"ring_delay"`
	// AnswerDelay passes between the ring and the callee's reaction. A callee
	// who takes longer than the request's ring_timeout does not answer.
	AnswerDelay time.Duration `yaml:"answer_delay"`
	// Duration is how long an answered call lasts, at most the request's
	// call_time_limit.
	Duration time.Duration `yaml:"duration"`
}

func (t Timing) validate() error {
	if t.RingDelay < 0 || t.AnswerDelay < 0 || t.Duration < 0 {
		return errors.New("timing: ring_delay, answer_delay and duration may not be negative")
	}
	return nil
}

// MaxConfigBytes bounds a configuration file.
const MaxConfigBytes = 1 << 20

// LoadConfig reads a configuration file, as ParseConfig does.
func LoadConfig(path string) (Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return Config{}, fmt.Errorf("open the simulator's configuration: %w", err)
	}
	defer func() { _ = file.Close() }() // only read from; nothing can be lost
	text, err := io.ReadAll(io.LimitReader(file, MaxConfigBytes+1))
	if err != nil {
		return Config{}, fmt.Errorf("read the simulator's configuration: %w", err)
	}
	config, err := ParseConfig(text)
	if err != nil {
		return config, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

// ParseConfig reads a YAML configuration. Unknown and repeated keys are errors.
// Without organisations it describes [DefaultWorld].
func ParseConfig(text []byte) (Config, error) {
	var config Config
	if len(text) > MaxConfigBytes {
		return config, fmt.Errorf("simulator configuration is %d bytes or more, at most %d bytes are read", len(text), MaxConfigBytes)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // as editors on Windows write it
	if err := yaml.UnmarshalWithOptions(text, &config, yaml.Strict()); err != nil {
		return config, fmt.Errorf("simulator configuration: %w", err)
	}
	if len(config.World.Organisations) == 0 {
		config.World = DefaultWorld()
	}
	return config, config.validate()
}

func (c *Config) validate() error {
	failures := []error{c.World.validate(), c.Latency.validate(), c.Timing.validate()}
	names := make(map[string]bool, len(c.Rules))
	for i := range c.Rules {
		rule := &c.Rules[i]
		if names[rule.Name] {
			failures = append(failures, fmt.Errorf("rules: the name %q is used twice; names are unique", rule.Name))
		}
		names[rule.Name] = true
		failures = append(failures, rule.validate())
	}
	return errors.Join(failures...)
}
