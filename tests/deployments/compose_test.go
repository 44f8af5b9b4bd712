package deployments_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const deployments = "../../deployments"

// project is as much of compose.yaml as a rehearsal needs.
type project struct {
	Services map[string]service
	Secrets  map[string]struct{ File string }
}

type service struct {
	Command     []string
	Environment map[string]string
	Secrets     []string
	Deploy      struct{ Replicas int }
}

func readCompose(t *testing.T) project {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(deployments, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var p project
	if err := yaml.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// environment returns a service's variables with everything that exists only
// among containers replaced.
func (p project) environment(s service, replaced ...string) []string {
	for _, name := range s.Secrets {
		replaced = append(replaced, "/run/secrets/"+name, filepath.Join(deployments, p.Secrets[name].File))
	}
	env := make([]string, 0, len(s.Environment))
	for name, value := range s.Environment {
		env = append(env, name+"="+strings.NewReplacer(replaced...).Replace(value))
	}
	return env
}

// commands returns the lines of docs/install.md that begin like this, without
// that.
func commands(t *testing.T, prefix string) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(page)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
			found = append(found, rest)
		}
	}
	if len(found) == 0 {
		t.Fatalf("docs/install.md has no command %q", prefix)
	}
	return found
}
