package prometheus_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A minute in the rules becomes a second.
var (
	minutes  = regexp.MustCompile(`(\[|for: )(\d+)m\b`)
	interval = regexp.MustCompile(`interval: \d+s`)
	// The age of the oldest request too.
	oldestAge = regexp.MustCompile(`(ringonce_queue_oldest_age_seconds:max > )(\d+)`)
	// A worker fetches its directory once a minute, whatever the rules require.
	linkageAge = regexp.MustCompile(`(ringonce_linkage_age_seconds\) > )\d+`)
)

// shortened writes the rules with shorter times, and with nothing else changed, and
// returns their directory.
func shortened(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	for _, name := range []string{"recording.rules.yaml", "alerts.rules.yaml"} {
		text := string(readFile(t, "../../deployments/prometheus/"+name))
		text = minutes.ReplaceAllString(text, "${1}${2}s")
		text = interval.ReplaceAllString(text, "interval: 1s")
		text = oldestAge.ReplaceAllStringFunc(text, func(found string) string {
			parts := oldestAge.FindStringSubmatch(found)
			seconds, err := strconv.Atoi(parts[2])
			if err != nil {
				t.Fatal(err)
			}
			return parts[1] + strconv.Itoa(seconds/60)
		})
		text = linkageAge.ReplaceAllString(text, "${1}75")
		if strings.Contains(text, "> 900") || strings.Contains(text, "m]") {
			t.Fatalf("%s has a time that this test does not shorten", name)
		}
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}
