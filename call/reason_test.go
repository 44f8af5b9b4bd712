package call_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/ringonce/ringonce/call"
)

// declaredReasons reads the constants of type Reason from the source, so that a
// new one cannot be left out of the tests below.
func declaredReasons(t *testing.T) []call.Reason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []call.Reason
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Reason" {
			return true
		}
		for _, v := range spec.Values {
			s, err := strconv.Unquote(v.(*ast.BasicLit).Value) //nolint:errcheck // a reason is a literal
			if err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, call.Reason(s))
		}
		return true
	})
	return reasons
}

func TestReasonsAreTokensAndDiffer(t *testing.T) {
	token := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`) // of a NATS subject and as a metric label
	seen := map[call.Reason]bool{}
	reasons := declaredReasons(t)
	if len(reasons) < 30 {
		t.Fatalf("only %d reasons were found", len(reasons))
	}
	for _, r := range reasons {
		if !token.MatchString(string(r)) || seen[r] {
			t.Errorf("%q is not a token, or there twice", r)
		}
		seen[r] = true
	}
}

func TestEveryReasonIsListed(t *testing.T) {
	declared := declaredReasons(t)
	// These end or delay a request without an attempt and without a dead letter.
	placed := []call.Reason{call.Discarded, call.Cancelled, call.LinkageUnknown, call.NotYet, call.Paused}
	placed = append(placed, call.EndReasons()...)
	placed = append(placed, call.StopReasons()...)
	for _, class := range call.Classes() {
		reasons := call.AttemptReasons(class)
		if len(reasons) == 0 {
			t.Errorf("%s has no reasons", class)
		}
		for i, r := range reasons {
			if slices.Contains(reasons[:i], r) {
				t.Errorf("%s has %s twice", class, r)
			}
		}
		placed = append(placed, reasons...)
	}
	for _, r := range declared {
		if !slices.Contains(placed, r) {
			t.Errorf("%s stands in no list", r)
		}
	}
	for _, r := range placed {
		if !slices.Contains(declared, r) {
			t.Errorf("%s is not declared", r)
		}
	}
	if call.AttemptReasons("") != nil {
		t.Error("no class has reasons")
	}
}

func TestRejectedReasonsAreEndReasons(t *testing.T) {
	for _, r := range call.AttemptReasons(call.Rejected) {
		if !slices.Contains(call.EndReasons(), r) {
			t.Errorf("a call rejected for %s has no dead letter", r)
		}
	}
}

func TestLinkageAdvice(t *testing.T) {
	seen := map[string]call.Linkage{}
	for _, l := range []call.Linkage{
		call.Linked, call.AppInactive, call.OwnedNotLinked, call.NotOwned, call.OtherApp, call.LinkageNotKnown,
	} {
		if other, ok := seen[l.Advice()]; ok || l.Advice() == "" {
			t.Errorf("%s and %s have one advice: %q", l, other, l.Advice())
		}
		seen[l.Advice()] = l
	}
	if call.Linkage("").Advice() != call.LinkageNotKnown.Advice() {
		t.Error("what is not known is taken for something else")
	}
}
