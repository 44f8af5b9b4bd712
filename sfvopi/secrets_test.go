package sfvopi

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestWhatTheProviderRepeatsOfARequestIsStruckOut: neither the key nor what the
// callback URLs carry is in an outcome, in whatever form it comes back.
func TestWhatTheProviderRepeatsOfARequestIsStruckOut(t *testing.T) {
	const key = "kEy-of-the-account"
	r := request(t)
	r.AnswerURL = "https://us3r:p4ss@hooks.example.com/h/p4th-token/answer?token=qu3ry%2Ftoken&x=b4re"
	r.RingURL = "https://hooks.example.com/0penSesame?justatoken"
	r.HangupURL = "https://hooks.example.com/answer?t=sh0r#fr4gment"
	secrets := []string{
		key, strings.ToUpper(key), "us3r", "p4ss", "us3r:p4ss", "p4th-token", "qu3ry/token", "qu3ry%2Ftoken", url.QueryEscape("qu3ry/token"),
		"b4re", "0penSesame", "justatoken", "sh0r", "fr4gment", r.AnswerURL, r.RingURL, r.HangupURL, strings.TrimPrefix(r.AnswerURL, "https:"),
	}
	for _, secret := range secrets {
		for name, answer := range map[string]func(http.ResponseWriter){
			"envelope": func(w http.ResponseWriter) { w.WriteHeader(400); say(w, fmt.Sprintf(`{"message":"no: %s!"}`, secret)) },
			"page":     func(w http.ResponseWriter) { w.WriteHeader(502); say(w, "<p>no "+secret+" there</p>") },
			"request_uuid": func(w http.ResponseWriter) {
				w.WriteHeader(201)
				say(w, fmt.Sprintf(`{"data":{"request_uuid":%q}}`, secret))
			},
			"not HTTP": func(w http.ResponseWriter) { conn, _ := hijack(t, w); say(conn, secret+" \r\n"); conn.Close() },
		} {
			provider := serve(t, func(w http.ResponseWriter, _ *http.Request) { answer(w) })
			client := newClient(t, Config{BaseURL: provider.URL, Key: func() string { return key }})
			got := client.Place(t.Context(), r, soon())
			said := got.Message + got.RequestUUID
			if said == "" || strings.Contains(strings.ToLower(said), strings.ToLower(secret)) {
				t.Errorf("%s with %s: %q", name, secret, said)
			}
		}
	}
}

func TestOrdinaryWordsAreNoSecrets(t *testing.T) {
	provider := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		say(w, `{"message":"the answer to voice calls has no webhook yet"}`)
	})
	r := request(t)
	r.AnswerURL = "https://example.com/voice/answer/webhook?to=no"
	got := newClient(t, Config{BaseURL: provider.URL}).Place(t.Context(), r, soon())
	if got.Message != "the answer to voice calls has no webhook yet" {
		t.Errorf("message %q", got.Message)
	}
}
