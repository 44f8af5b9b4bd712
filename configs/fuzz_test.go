package configs

import (
	"os"
	"strings"
	"testing"
)

// FuzzLoad: for any file and environment, Load returns a configuration or
// errors. A configuration is valid, and the same after a round trip through the
// environment; errors are on one line each and contain no API key.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"ringonce.yaml", "reference.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "NATS_URL=nats://a:1")
	}
	f.Add([]byte(minimal), "RINGONCE_RETRY_MAX_DELAY=1m\nRINGONCE_ACCOUNTS_DEFAULT_DEFAULTS_RING_TIMEOUT=5")
	f.Add([]byte("accounts: {a: {api_key: k, calls_per_second: 1e-2}}\nnats: {url: 'a,b'}"), "RINGONCE_X=y")
	f.Add([]byte("provider: {base_url: http://a/sfvopi/sfvopi}"), "SFVOPI_API_KEY=k")
	f.Add([]byte("a: |9x\n\tb: [&c *d !e {"), "=\nRINGONCE_ACCOUNTS__API_KEY=x")
	f.Fuzz(func(t *testing.T, data []byte, variables string) {
		const marker = "zz-marked-api-key-zz"
		environ := append(strings.Split(variables, "\n"), "RINGONCE_ACCOUNTS_MARKED_API_KEY="+marker)
		c, err := Load("f.yaml", data, environ)
		if err != nil {
			for _, e := range errorsOf(t, err) {
				if strings.Contains(e.String(), marker) {
					t.Errorf("the key is printed: %s", e)
				}
			}
			return
		}
		if err := c.Validate(); err != nil {
			t.Errorf("loaded, but not valid: %v", err)
		}
		again, err := Load("", nil, environOf(c))
		if err != nil {
			t.Fatalf("does not load again: %v\n%q", err, environOf(c))
		}
		if !same(c, again) {
			t.Errorf("changed on its way through the environment:\n%q\n%q", environOf(c), environOf(again))
		}
	})
}
