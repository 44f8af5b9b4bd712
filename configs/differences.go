package configs

import "reflect"

// Differences lists the keys outside of accounts whose values differ: those that
// a worker takes up only when it is started.
func (c Config) Differences(other Config) []string {
	var keys []string
	theirs := other.settings()
	for i, s := range c.settings() {
		if !reflect.DeepEqual(s.target, theirs[i].target) {
			keys = append(keys, s.key)
		}
	}
	return keys
}
