package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ringonce/ringonce/configs"
)

// reloads counts the calls of the reloader.
type reloads struct{ loaded, refused int }

func (r *reloads) Reload(configs.Config) { r.loaded++ }
func (r *reloads) RejectReload(error)    { r.refused++ }

// A configuration that was rejected because a file that it names was missing is
// loaded once that exists, and rejected only once.
func TestRejectedConfigurationIsLoadedOnceItsKeyFileExists(t *testing.T) {
	dir := t.TempDir()
	file, key := filepath.Join(dir, "ringonce.yaml"), filepath.Join(dir, "key")
	data := []byte("provider: {base_url: https://provider.example}\naccounts: {acme: {api_key_file: " + key + "}}\n")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var told reloads
	r := &reloader{file: file, worker: &told}
	for range 5 {
		r.checkFile()
	}
	if want := (reloads{refused: 1}); told != want {
		t.Errorf("without its key file the worker was told %+v, want %+v", told, want)
	}
	if err := os.WriteFile(key, []byte("sf_0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		r.checkFile()
	}
	if want := (reloads{loaded: 1, refused: 1}); told != want {
		t.Errorf("with it the worker was told %+v, want %+v", told, want)
	}
}

// A configuration file that is briefly missing is being replaced; one that stays
// missing is rejected, and loaded once it is back, changed or not.
func TestMissingConfigurationFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ringonce.yaml")
	data := []byte("provider: {base_url: https://provider.example}\naccounts: {acme: {api_key: sf_0123456789abcdef}}\n")
	put := func() {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var told reloads
	r := &reloader{file: file, data: data, worker: &told}
	looks := func(n int, want reloads) {
		t.Helper()
		for range n {
			r.checkFile()
		}
		if told != want {
			t.Errorf("the worker was told %+v, want %+v", told, want)
		}
	}
	put()
	looks(3, reloads{})
	_ = os.Remove(file)
	looks(maxReadFailures-1, reloads{})
	put()
	looks(1, reloads{})
	_ = os.Remove(file)
	looks(3*maxReadFailures, reloads{refused: 1})
	put()
	looks(3, reloads{loaded: 1, refused: 1})
}
