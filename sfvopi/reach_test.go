package sfvopi

import (
	"net/http"
	"testing"
)

func TestWhatTellsThatCallsAreWorthRisking(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		answer  string
		reached bool
	}{
		"apps":                     {200, `{"data":[],"message":"success"}`, true},
		"a key that is refused":    {401, `{"message":"UnAuthorized"}`, true},
		"too many":                 {429, `{"message":"Too many requests"}`, true},
		"another base URL":         {404, ``, true},
		"the look-up failed alone": {500, `{"message":"Failed to get SFVoPI apps: connection pool exhausted"}`, true},
		"unavailable, it says":     {500, `{"message":"Service temporarily unavailable"}`, false},
		"overloaded, it says":      {503, `{"message":"Server is OVERLOADED"}`, false},
		"a gateway's page":         {502, `<html>Bad Gateway</html>`, false},
		"a page that says 200":     {200, `<html>Sorry</html>`, false},
		"not JSON":                 {500, `{"message":`, false},
	} {
		t.Run(name, func(t *testing.T) {
			provider := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				say(w, c.answer)
			})
			if err := newClient(t, Config{BaseURL: provider.URL}).ProbeReachable(t.Context()); (err == nil) != c.reached {
				t.Errorf("error %v, want reached: %t", err, c.reached)
			}
		})
	}
	t.Run("nothing listens", func(t *testing.T) {
		provider := serve(t, func(http.ResponseWriter, *http.Request) {})
		provider.Close()
		if err := newClient(t, Config{BaseURL: provider.URL}).ProbeReachable(t.Context()); err == nil {
			t.Error("reached")
		}
	})
}
