package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ringonce/ringonce/configs"
)

// The hint names the proxy if that failed, and the provider or the key if the
// provider responded.
func TestLookupHint(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer provider.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, c := range map[string]struct {
		proxy, says string
	}{
		"no proxy":                   {"", "the provider answered 401; check provider.base_url and the account's key"},
		"a proxy that is not there":  {gone.URL, "check provider.proxy_url"},
		"what is no proxy":           {provider.URL, "the proxy: it answered 401; the provider was not reached: check provider.proxy_url"},
		"a provider where none is":   {"", "check provider.base_url"},
		"a proxy of another address": {"http://127.0.0.1:1", "check provider.proxy_url"},
	} {
		t.Run(name, func(t *testing.T) {
			config := configs.Default()
			config.Provider.BaseURL, config.Provider.ProxyURL = provider.URL, c.proxy
			account := configs.NamedAccount{Name: "acme", Account: configs.DefaultAccount()}
			account.APIKey = configs.NewSecret("a-key")
			if name == "a provider where none is" {
				config.Provider.BaseURL = gone.URL
			}
			_, err := lookUp(t.Context(), config.Provider, account)
			if err == nil || !strings.Contains(err.Error(), c.says) || (c.proxy != "") == strings.Contains(err.Error(), "account's key") {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestUnreadableEntriesAreCounted(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := `{"data":[{"app_id":"a","status":"ACTIVE"},{"app_id":null}]}`
		if strings.HasSuffix(r.URL.Path, "/numbers") {
			answer = `{"data":[{"voip_number":"+918045678901"},7]}`
		}
		_, _ = w.Write([]byte(answer)) // a client that left cannot be told
	}))
	defer provider.Close()
	config := configs.Default()
	config.Provider.BaseURL = provider.URL
	account := configs.NamedAccount{Name: "acme", Account: configs.DefaultAccount()}
	account.APIKey = configs.NewSecret("a-key")
	if found, err := lookUp(t.Context(), config.Provider, account); err != nil || found != (linkCount{1, 1, 2}) {
		t.Errorf("%+v, %v", found, err)
	}
	config.Accounts = map[string]configs.Account{"acme": account.Account}
	var out bytes.Buffer
	(&doctorRun{out: &out}).provider(t.Context(), config)
	if !strings.Contains(out.String(), "2 entries of the provider's lists cannot be parsed and are ignored; a number that is in no list counts as not known") {
		t.Errorf("the note says otherwise than what a worker does:\n%s", out.String())
	}
}
