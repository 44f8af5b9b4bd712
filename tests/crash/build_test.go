package crash

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binaries are the programs under trial, built once.
var binaries struct{ ours, naive string }

// build makes them; TestMain calls it.
func build(dir string) error {
	binaries.ours, binaries.naive = filepath.Join(dir, "ringonce"), filepath.Join(dir, "naive")
	for binary, source := range map[string]string{
		binaries.ours:  "github.com/ringonce/ringonce/cmd/ringonce",
		binaries.naive: "github.com/ringonce/ringonce/tests/crash/naive",
	} {
		c := exec.Command("go", "build", "-tags", "failpoint", "-o", binary, source)
		c.Stderr = os.Stderr
		if err := c.Run(); err != nil {
			return err
		}
	}
	return nil
}

// A build without the tag holds nothing of the failpoints: not a function, not
// a name, not the variable.
func TestABuildWithoutTheTagHasNoFailpoints(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "ringonce")
	run := func(name string, args ...string) []byte {
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return out
	}
	run("go", "build", "-o", binary, "github.com/ringonce/ringonce/cmd/ringonce")
	const symbol, wrapper, variable = "ringonce/internal/failpoint.", "ringonce/internal/app.failpoint", "RINGONCE_FAILPOINT"
	for _, c := range []struct {
		binary string
		want   bool
	}{{binary, false}, {binaries.ours, true}} {
		symbols := run("go", "tool", "nm", c.binary)
		for _, s := range []string{symbol, wrapper} {
			if got := bytes.Contains(symbols, []byte(s)); got != c.want {
				t.Errorf("%s: a symbol %s…: %t, want %t", c.binary, s, got, c.want)
			}
		}
		data, err := os.ReadFile(c.binary)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(data, []byte(variable)); got != c.want {
			t.Errorf("%s: holds %s: %t, want %t", c.binary, variable, got, c.want)
		}
	}
}
