package configs

import (
	"slices"
	"strings"
)

// operatorSections are the parts of the configuration that commands go by which
// dial nothing: where the broker is, and what must be as the workers have it.
var operatorSections = []string{"nats", "request", "records", "dead", "streams"}

// LoadForOperators is Load for commands that dial nothing. They need no account
// and no key; what is written is read as strictly, and what they go by is
// judged as Load would.
func LoadForOperators(file string, data []byte, environ []string) (Config, error) {
	c, mistakes := load(file, data, environ, ofOperators)
	return usable(c, mistakes)
}

// CheckFilesForOperators is CheckFiles without the files that only workers need,
// such as those of the API keys.
func CheckFilesForOperators(c Config) error {
	return ofOperators(checkFiles(c)).err()
}

// ofOperators picks the mistakes in what operators' commands go by.
func ofOperators(all Mistakes) Mistakes {
	var picked Mistakes
	for _, m := range all {
		section, _, _ := strings.Cut(m.Key, ".")
		if slices.Contains(operatorSections, section) {
			picked = append(picked, m)
		}
	}
	return picked
}
