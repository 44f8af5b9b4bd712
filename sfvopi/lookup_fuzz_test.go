package sfvopi

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"unicode/utf8"
)

// FuzzLookups: whatever the provider answers to a look-up, it is a list of
// usable entries or an error that repeats no number, and an answer of another
// status than 2xx is never a list.
func FuzzLookups(f *testing.F) {
	f.Add(200, []byte(`{"data":[{"app_id":"a","name":"n","status":"ACTIVE"}],"message":"success"}`))
	f.Add(200, []byte(`{"data":[{"voip_number":"+912071531001","status":"ACTIVE"},{"voip_number":""}]}`))
	f.Add(201, []byte(`{"data":[]}`))
	f.Add(200, []byte(`{"data":null}`))
	f.Add(200, []byte(`{"data":[{"app_id":".."},{"app_id":"a/b"}]}`))
	f.Add(401, []byte(`{"message":"UnAuthorized"}`))
	f.Add(404, []byte(`{"message":"Number +919876543210 not found","data":[]}`))
	f.Add(500, []byte(`<html>`))
	c, err := NewClient(Config{BaseURL: "http://provider.test", Key: func() string { return "k" }})
	if err != nil {
		f.Fatal(err)
	}
	answer := &canned{}
	c.lookups.RegisterProtocol("http", answer)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		answer.status, answer.body = status, body
		apps, _, appsErr := c.Apps(t.Context())
		numbers, _, numbersErr := c.AvailableNumbers(t.Context())
		for _, err := range []error{appsErr, numbersErr} {
			switch {
			case err == nil && status/100 != 2:
				t.Errorf("a list by status %d", status)
			case err != nil && (sevenDigits.MatchString(err.Error()) || !utf8.ValidString(err.Error()) || len(err.Error()) > 512):
				t.Errorf("it fails with %q", err)
			}
		}
		for _, a := range apps {
			if a.ID == "" || a.ID == "." || a.ID == ".." || len(a.ID) > maxAppIDLength {
				t.Errorf("the app %q", a.ID)
			}
		}
		for _, n := range numbers {
			if n.Number == "" || len(n.Number) > maxNumberLength {
				t.Errorf("the number %q", n.Number)
			}
		}
		if (appsErr == nil && apps == nil) || (numbersErr == nil && numbers == nil) {
			t.Errorf("no list, and no error, by %q", body)
		}
	})
}

// canned answers every request alike.
type canned struct {
	status int
	body   []byte
}

func (c *canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c.body))}, nil
}
