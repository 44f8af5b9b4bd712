package embedded_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringonce/ringonce/queue/embedded"
)

// TestAServerThatCannotStart says why.
func TestAServerThatCannotStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := embedded.Start(embedded.Options{Dir: file})
	if err == nil {
		s.Stop()
		t.Fatal("it starts")
	}
	if !strings.Contains(err.Error(), "JetStream") || !strings.Contains(err.Error(), file) {
		t.Errorf("it does not say why: %v", err)
	}
}
