package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
)

// natsVariable hands --nats on to the configuration.
const natsVariable = "RINGONCE_NATS_URL"

// connectTimeout bounds how long an operator waits for the broker to answer.
const connectTimeout = 5 * time.Second

// connFlags is where an operator works: which broker, by which configuration.
type connFlags struct {
	environ    []string
	configFile string // --config
	natsURL    string // --nats
}

// register adds what says where the broker is.
func (cf *connFlags) register(c *cobra.Command) {
	c.PersistentFlags().StringVar(&cf.configFile, "config", "", "the workers' configuration `FILE` (default: RINGONCE_CONFIG; without one the environment alone is read)")
	c.PersistentFlags().StringVar(&cf.natsURL, "nats", "", "`URL` of the NATS server, instead of the configured one")
}

// variables are the environment with what the flags override.
func (cf *connFlags) variables() []string {
	if cf.natsURL == "" {
		return cf.environ
	}
	return append(cf.environ[:len(cf.environ):len(cf.environ)], natsVariable+"="+cf.natsURL)
}

// config loads what commands go by that dial nothing. They need no account.
func (cf *connFlags) config() (configs.Config, error) {
	file := configs.FilePath(cf.configFile, cf.environ)
	data, err := readConfig(file)
	if err != nil {
		return configs.Config{}, err
	}
	config, err := configs.CheckForOperators(file, data, cf.variables())
	if err != nil {
		return configs.Config{}, usageError{cf.attributeToFlag(err)}
	}
	return config, nil
}

// attributeToFlag names --nats where it says what is wrong, and not the variable by which
// it is handed on.
func (cf *connFlags) attributeToFlag(err error) error {
	var mistakes configs.ValidationErrors
	if cf.natsURL == "" || !errors.As(err, &mistakes) {
		return err
	}
	for i := range mistakes {
		if m := &mistakes[i]; m.Source.Variable == natsVariable {
			m.Source, m.Key = configs.Source{}, "--nats"
		}
	}
	return mistakes
}

// connect gives a connection to the broker, once it answers.
func (cf *connFlags) connect() (*queue.Conn, configs.Config, error) {
	config, err := cf.config()
	if err != nil {
		return nil, config, err
	}
	conn, err := connect(config.NATS)
	return conn, config, err
}

// operator gives what decides about single calls. The connection is the
// caller's to close.
func (cf *connFlags) operator(ctx context.Context) (*queue.Operator, *queue.Conn, error) {
	operator, conn, _, err := cf.operatorAndConfig(ctx)
	return operator, conn, err
}

// operatorAndConfig is [connFlags.operator] with the configuration that it goes by.
func (cf *connFlags) operatorAndConfig(ctx context.Context) (*queue.Operator, *queue.Conn, configs.Config, error) {
	conn, config, err := cf.connect()
	if err != nil {
		return nil, nil, config, err
	}
	operator, err := admin.NewOperator(ctx, conn, queue.Retention{Placed: config.Records.Keep, Dead: config.Dead.Keep})
	if err != nil {
		conn.Close()
		return nil, nil, config, fmt.Errorf("%w; see what is missing with: ringonce streams check", err)
	}
	return operator, conn, config, nil
}

// connect fails where a worker would try again for ever: somebody waits for the
// answer.
func connect(c configs.NATS) (*queue.Conn, error) {
	options, err := app.NATSOptions(c, func(error) {}) // read once, a moment ago
	if err != nil {
		return nil, usageError{err}
	}
	options = append(options, nats.RetryOnFailedConnect(false), nats.Timeout(connectTimeout))
	conn, err := queue.Connect(queue.ConnectOptions{URL: c.URL, Name: "ringonce " + currentUser(), Options: options, NKey: app.NATSKey(c), Domain: c.Domain})
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, queue.ErrNKey):
		return nil, usageError{err}
	case app.NATSAuthFailed(err):
		return nil, fmt.Errorf("%w: %s does not accept the credentials; check %s", err, c.URL, app.NATSCredentialsSource(c))
	case errors.Is(err, nats.ErrNoServers):
		return nil, fmt.Errorf("no answer from %s; check that it runs, and --nats, NATS_URL or nats.url", c.URL)
	default:
		return nil, fmt.Errorf("cannot connect to %s; check --nats, NATS_URL or nats.url (%w)", c.URL, err)
	}
}

// currentUser names the person at this machine, for the notes in records.
func currentUser() string {
	user := ""
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if user = os.Getenv(name); user != "" {
			break
		}
	}
	if user == "" {
		user = fmt.Sprintf("uid-%d", os.Getuid())
	}
	host, err := os.Hostname()
	if err != nil {
		return user
	}
	return user + "@" + host
}

// discardLog is for adapters whose warnings come back as errors, too.
func discardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
