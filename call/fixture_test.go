package call_test

import (
	"encoding/json"
	"maps"
	"testing"
)

// fields is a request as a publisher writes it.
type fields map[string]any

// fullRequest gives every field.
func fullRequest() fields {
	return fields{
		"id":              "order-1",
		"from":            "+919876543210",
		"to":              "+14155552671",
		"app_id":          "sfv_app_1",
		"answer_url":      "https://example.com/answer?token=s3cr3t",
		"answer_method":   "GET",
		"ring_url":        "https://example.com/ring",
		"ring_method":     "POST",
		"hangup_url":      "http://example.com/hangup",
		"hangup_method":   "GET",
		"ring_timeout":    30,
		"call_time_limit": 3600,
		"not_before":      "2026-01-31T09:00:00+05:30",
		"expires_at":      "2026-01-31T18:00:00.5Z",
		"metadata":        map[string]string{"order": "1", "customer": "2"},
	}
}

func (f fields) with(name string, value any) fields {
	f = maps.Clone(f)
	f[name] = value
	return f
}

func (f fields) without(name string) fields {
	f = maps.Clone(f)
	delete(f, name)
	return f
}

func (f fields) json(t testing.TB) []byte {
	t.Helper()
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
