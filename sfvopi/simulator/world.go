package simulator

import (
	"errors"
	"fmt"
	"net/url"
)

// Status is the state of an app, and of a number's link to it. A number may call
// only if both are ACTIVE.
type Status string

// The two states that the provider's documentation knows.
const (
	Active   Status = "ACTIVE"
	Inactive Status = "INACTIVE"
)

// World is all that the simulated provider has on file.
type World struct {
	Organisations []Organisation `json:"organisations" yaml:"organisations"`
}

// Organisation is one customer of the provider. The X-API-Key of a request
// selects it.
type Organisation struct {
	// Name is the simulator's own handle; the provider's answers show only ID.
	Name string `json:"name" yaml:"name"`
	// ID is the org_id in apps and links; 0 lets the simulator choose.
	ID int64 `json:"id" yaml:"id"`
	// APIKeys are all accepted; none means that nobody can authenticate.
	APIKeys []string `json:"api_keys" yaml:"api_keys"`
	Apps    []App    `json:"apps" yaml:"apps"`
	// AvailableNumbers are owned by the organisation and linked to no app.
	AvailableNumbers []string `json:"available_numbers" yaml:"available_numbers"`
	// CPS limits POSTs per second, answering 429 above it; 0 means no limit.
	CPS float64 `json:"cps" yaml:"cps"`
}

// App is one SFVoPI app with the numbers linked to it.
type App struct {
	ID     string `json:"app_id" yaml:"app_id"`
	Name   string `json:"name" yaml:"name"`
	Status Status `json:"status" yaml:"status"` // empty means ACTIVE
	// AnswerURL and HangupURL are overridden by those of a call; FallbackURL is
	// posted to when the answer hook fails.
	AnswerURL   string `json:"answer_url" yaml:"answer_url"`
	HangupURL   string `json:"hangup_url" yaml:"hangup_url"`
	FallbackURL string `json:"fallback_answer_url" yaml:"fallback_answer_url"`
	// Numbers are linked with an ACTIVE link, InactiveNumbers with an INACTIVE one.
	Numbers         []string `json:"numbers" yaml:"numbers"`
	InactiveNumbers []string `json:"inactive_numbers" yaml:"inactive_numbers"`
}

// The default world, in the values that examples and tests quote.
const (
	DefaultAPIKey       = "simulator-key"
	DefaultOrganisation = "default"
	// DefaultNumber is linked to the ACTIVE app of the default world.
	DefaultNumber = "+912071531001"
	// DefaultInactiveNumber is linked to its INACTIVE app.
	DefaultInactiveNumber = "+912071531101"
	// DefaultAvailableNumber is owned and not linked.
	DefaultAvailableNumber = "+912071531201"
)

// DefaultWorld is what the simulator serves without a configuration: one
// organisation with the key simulator-key, an ACTIVE app with three numbers, an
// INACTIVE app with one, and two numbers that are not linked.
func DefaultWorld() World {
	return World{Organisations: []Organisation{{
		Name:    DefaultOrganisation,
		ID:      1001,
		APIKeys: []string{DefaultAPIKey},
		Apps: []App{
			{
				ID:        "sfv_app_reminders001",
				Name:      "Reminders",
				AnswerURL: "https://publisher.example/answer",
				Numbers:   []string{DefaultNumber, "+912071531002", "+912071531003"},
			},
			{
				ID:        "sfv_app_retired00001",
				Name:      "Retired",
				Status:    Inactive,
				AnswerURL: "https://publisher.example/answer",
				Numbers:   []string{DefaultInactiveNumber},
			},
		},
		AvailableNumbers: []string{DefaultAvailableNumber, "+912071531202"},
	}}}
}

func (w World) validate() error {
	var failures []error
	names, keys, numbers := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range w.Organisations {
		org := &w.Organisations[i]
		failures = append(failures, org.validate())
		failures = append(failures, unique(names, "organisation "+org.Name, org.Name))
		failures = append(failures, unique(keys, "an API key of organisation "+org.Name, org.APIKeys...))
		failures = append(failures, unique(numbers, "a number of organisation "+org.Name, org.numbers()...))
	}
	return errors.Join(failures...)
}

func (o *Organisation) validate() error {
	var failures []error
	if o.Name == "" {
		failures = append(failures, errors.New("organisation: name is required"))
	}
	if o.CPS < 0 {
		failures = append(failures, fmt.Errorf("organisation %s: cps %g may not be negative", o.Name, o.CPS))
	}
	for _, key := range o.APIKeys {
		if key == "" {
			failures = append(failures, fmt.Errorf("organisation %s: an API key may not be empty", o.Name))
		}
	}
	for _, number := range o.numbers() {
		if !isE164(number) {
			failures = append(failures, fmt.Errorf("organisation %s: %w", o.Name, errNotE164))
		}
	}
	apps := map[string]bool{}
	for i := range o.Apps {
		failures = append(failures, o.Apps[i].validate())
		failures = append(failures, unique(apps, "app "+o.Apps[i].ID, o.Apps[i].ID))
	}
	return errors.Join(failures...)
}

func (o *Organisation) numbers() []string {
	numbers := append([]string(nil), o.AvailableNumbers...)
	for i := range o.Apps {
		numbers = append(numbers, o.Apps[i].Numbers...)
		numbers = append(numbers, o.Apps[i].InactiveNumbers...)
	}
	return numbers
}

func (a *App) validate() error {
	if a.ID == "" {
		return errors.New("app: app_id is required")
	}
	if err := a.Status.validate(); err != nil {
		return fmt.Errorf("app %s: %w", a.ID, err)
	}
	for _, address := range []string{a.AnswerURL, a.HangupURL, a.FallbackURL} {
		if address != "" && !isWebURL(address) {
			return fmt.Errorf("app %s: a URL must be absolute, http or https", a.ID)
		}
	}
	for _, number := range append(append([]string(nil), a.Numbers...), a.InactiveNumbers...) {
		if !isE164(number) {
			return fmt.Errorf("app %s: %w", a.ID, errNotE164)
		}
	}
	return nil
}

func (s Status) validate() error {
	switch s {
	case "", Active, Inactive:
		return nil
	}
	return fmt.Errorf("status %q is neither %s nor %s", s, Active, Inactive)
}

// unique remembers values in seen and refuses one that is there already, without
// printing it: keys and numbers stay out of messages.
func unique(seen map[string]bool, what string, values ...string) error {
	for _, value := range values {
		if seen[value] {
			return fmt.Errorf("%s is used twice", what)
		}
		seen[value] = true
	}
	return nil
}

var errNotE164 = errors.New("a number must be E.164: + and 7 to 15 digits, the first not 0")

// isE164 checks the form alone: which ranges are assigned is not the
// simulator's business.
func isE164(number string) bool {
	if len(number) < 8 || len(number) > 16 || number[0] != '+' || number[1] == '0' {
		return false
	}
	for i := 1; i < len(number); i++ {
		if number[i] < '0' || number[i] > '9' {
			return false
		}
	}
	return true
}

func isWebURL(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Host != ""
}
