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

// natsVariable passes --nats to the configuration.
const natsVariable = "RINGONCE_NATS_URL"

// connectTimeout bounds how long a command waits for the broker.
const connectTimeout = 5 * time.Second

// connFlags are the flags and variables that name the broker and the configuration.
type connFlags struct {
	environ    []string
	configFile string // --config
	natsURL    string // --nats
}

func (cf *connFlags) register(c *cobra.Command) {
	registerConfig(c.PersistentFlags(), &cf.configFile)
	c.PersistentFlags().StringVar(&cf.natsURL, "nats", "", "`URL` of the NATS server (default: the configured one)")
}

// variables returns the environment, with --nats added.
func (cf *connFlags) variables() []string {
	if cf.natsURL == "" {
		return cf.environ
	}
	return append(cf.environ[:len(cf.environ):len(cf.environ)], natsVariable+"="+cf.natsURL)
}

// config loads the configuration for commands that dial nothing and need no account.
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

// attributeToFlag reports errors of natsVariable as errors of --nats.
func (cf *connFlags) attributeToFlag(err error) error {
	var errs configs.ValidationErrors
	if cf.natsURL == "" || !errors.As(err, &errs) {
		return err
	}
	for i := range errs {
		if e := &errs[i]; e.Source.Variable == natsVariable {
			e.Source, e.Key = configs.Source{}, "--nats"
		}
	}
	return errs
}

// connect connects to the broker and waits for it.
func (cf *connFlags) connect() (*queue.Conn, configs.Config, error) {
	config, err := cf.config()
	if err != nil {
		return nil, config, err
	}
	conn, err := connect(config.NATS)
	return conn, config, err
}

// operator returns the operator actions. The caller closes the connection.
func (cf *connFlags) operator(ctx context.Context) (*admin.Operator, *queue.Conn, error) {
	operator, conn, _, err := cf.operatorAndConfig(ctx)
	return operator, conn, err
}

// operatorAndConfig also returns the configuration.
func (cf *connFlags) operatorAndConfig(ctx context.Context) (*admin.Operator, *queue.Conn, configs.Config, error) {
	conn, config, err := cf.connect()
	if err != nil {
		return nil, nil, config, err
	}
	operator, err := admin.NewOperator(ctx, conn, queue.Retention{Placed: config.Records.Keep, Dead: config.Dead.Keep})
	if err != nil {
		conn.Close()
		return nil, nil, config, fmt.Errorf("%w; check the streams with: ringonce streams check", err)
	}
	return operator, conn, config, nil
}

// connect fails where a worker would retry forever: an operator is waiting.
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
		return nil, fmt.Errorf("%w: %s rejected the credentials; check %s", err, c.URL, app.NATSCredentialsSource(c))
	case errors.Is(err, nats.ErrNoServers):
		return nil, fmt.Errorf("no response from %s; check that it is running, and --nats, NATS_URL or nats.url", c.URL)
	default:
		return nil, fmt.Errorf("cannot connect to %s; check --nats, NATS_URL or nats.url (%w)", c.URL, err)
	}
}

// currentUser returns user and host, for the notes in records.
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

// discardLog is for adapters that also return their warnings as errors.
func discardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
