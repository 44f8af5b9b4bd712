package sfvopi

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"
)

// BenchmarkPlace is one attempt against a provider that answers at once, over
// TCP. The provider runs in the same process and is counted too.
func BenchmarkPlace(b *testing.B) {
	provider := serve(b, instant)
	client := newClient(b, Config{BaseURL: provider.URL})
	r := request(b)
	b.ReportAllocs()
	for b.Loop() {
		if got := client.Place(b.Context(), r, soon()); got.RequestUUID == "" {
			b.Fatalf("outcome %+v", got)
		}
	}
}

// BenchmarkBarePost is the same exchange without us: what net/http costs.
func BenchmarkBarePost(b *testing.B) {
	provider := serve(b, instant)
	client := newClient(b, Config{BaseURL: provider.URL})
	body, err := appendCall(nil, request(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, provider.URL+"/sfvopi/calls", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := client.lookups.RoundTrip(request)
		if err != nil {
			b.Fatal(err)
		}
		take(io.Discard, response.Body)
		response.Body.Close()
	}
}

func BenchmarkClassifyPlaced(b *testing.B) {
	answer, now := Response{Status: 201, Body: []byte(queued)}, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		Classify(answer, RuleSettings{}, now)
	}
}

func instant(w http.ResponseWriter, r *http.Request) {
	take(io.Discard, r.Body)
	w.WriteHeader(http.StatusCreated)
	say(w, queued)
}
