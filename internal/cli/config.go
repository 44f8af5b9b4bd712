package cli

import (
	"github.com/spf13/pflag"

	"github.com/ringonce/ringonce/configs"
)

// registerConfig adds --config.
func registerConfig(flags *pflag.FlagSet, file *string) {
	flags.StringVar(file, "config", "", "the workers' configuration `FILE` (default: RINGONCE_CONFIG, else only the environment)")
}

// readConfig returns the content of the configuration file, nil without one.
func readConfig(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	data, err := configs.ReadFile(file)
	if err != nil {
		return nil, usageError{err}
	}
	return data, nil
}

// parseConfig checks the configuration and the files that it names.
func parseConfig(file string, data []byte, environ []string) (configs.Config, error) {
	config, err := configs.Check(file, data, environ)
	if err != nil {
		return configs.Config{}, usageError{err}
	}
	return config, nil
}
