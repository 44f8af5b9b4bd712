package call_test

import (
	"regexp"
	"testing"

	"github.com/ringonce/ringonce/call"
)

// The names as docs/protocol.md gives them.
var (
	accountForm  = regexp.MustCompile(`\A[a-z0-9-]{1,32}\z`)
	idForm       = regexp.MustCompile(`\A[A-Za-z0-9_-]{1,64}\z`)
	storedIDForm = regexp.MustCompile(`\A=[A-Za-z0-9_-]{1,63}\z`)
)

// FuzzNames: accounts, ids and priorities are tokens of NATS subjects. What is
// let through has no dot, no wildcard and no space in it.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "a", "A", "=a", "==a", "a.b", "*", ">", "a b", "ünicode", "urgent", "normal ", "0123456789012345678901234567890123", "a\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := call.ParseAccount(s)
		if accountForm.MatchString(s) != (err == nil) || (err == nil && string(a) != s) {
			t.Errorf("account %q: %q, %v", s, a, err)
		}
		id, err := call.ParseID(s)
		if idForm.MatchString(s) != (err == nil) || (err == nil && (string(id) != s || id.Generated())) {
			t.Errorf("id %q: %q, %v", s, id, err)
		}
		stored, err := call.ParseStoredID(s)
		if (idForm.MatchString(s) || storedIDForm.MatchString(s)) != (err == nil) || (err == nil && string(stored) != s) {
			t.Errorf("stored id %q: %q, %v", s, stored, err)
		}
		p, err := call.ParsePriority(s)
		if (s == "urgent" || s == "normal" || s == "bulk") != (err == nil) || (err == nil && string(p) != s) {
			t.Errorf("priority %q: %q, %v", s, p, err)
		}
	})
}
