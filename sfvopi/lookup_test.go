package sfvopi

import (
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestLookups(t *testing.T) {
	answers := map[string]string{
		"/superfone/sfvopi/apps": `{"data":[
			{"app_id":"sfv_app_1","org_id":7,"name":"Sales","status":"ACTIVE","hangup_url":null},
			{"app_id":"app/2","name":"Old","status":"INACTIVE"}],"message":"success"}`,
		"/superfone/sfvopi/apps/sfv_app_1/numbers": `{"data":[{"app_id":"sfv_app_1","voip_number":"+918045678901","status":"ACTIVE"}],"message":"success"}`,
		"/superfone/sfvopi/apps/app%2F2/numbers":   `{"data":[],"message":"success"}`,
		"/superfone/sfvopi/available-numbers":      `{"data":[{"id":1,"voip_number":"+918045678902","provider":"x","status":"AVAILABLE"}],"message":"success"}`,
	}
	provider := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.EscapedPath()]
		if !ok || r.Method != http.MethodGet || r.Header.Get("X-Api-Key") != "key-1" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		say(w, answer)
	})
	client := newClient(t, Config{BaseURL: provider.URL + "/superfone/"})
	same := func(what string, got any, err error, want any) {
		t.Helper()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, %v, want %v", what, got, err, want)
		}
	}
	apps, _, err := client.Apps(t.Context())
	same("apps", apps, err, []App{{"sfv_app_1", StatusActive}, {"app/2", StatusInactive}})
	numbers, _, err := client.Numbers(t.Context(), "sfv_app_1")
	same("numbers", numbers, err, []Number{{"+918045678901", StatusActive}})
	numbers, _, err = client.Numbers(t.Context(), "app/2")
	same("numbers of an id that needs escaping", numbers, err, []Number{})
	numbers, _, err = client.AvailableNumbers(t.Context())
	same("available numbers", numbers, err, []Number{{"+918045678902", "AVAILABLE"}})
	same("probe", nil, client.Probe(t.Context()), nil)
}

// What is not a list of numbers must never be taken for an empty one.
func TestResponsesWithoutAList(t *testing.T) {
	for name, answer := range map[string]string{
		"empty":           ``,
		"HTML":            `<html></html>`,
		"no data":         `{"message":"success"}`,
		"object":          `{"data":{},"message":"success"}`,
		"bare list":       `[]`,
		"an object twice": `{"data":[],"data":{}}`,
		"too many":        `{"data":[` + strings.Repeat(`{"voip_number":"1"},`, maxNumbers) + `{"voip_number":"1"}]}`,
		"too large":       `{"data":[{"voip_number":"1","x":"` + strings.Repeat("x", maxLookupSize) + `"}]}`,
		"more after it":   `{"data":[]} {"data":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			provider := serve(t, func(w http.ResponseWriter, _ *http.Request) { say(w, answer) })
			client := newClient(t, Config{BaseURL: provider.URL})
			if numbers, _, err := client.AvailableNumbers(t.Context()); err == nil || strings.Contains(err.Error(), "8045678901") {
				t.Errorf("%v, error %v", numbers, err)
			}
		})
	}
}

// TestUnreadableEntriesAreSkipped: what others send is read as far as it can be, and
// what cannot be is counted.
func TestUnreadableEntriesAreSkipped(t *testing.T) {
	const good = `{"voip_number":"+918045678901","status":"ACTIVE"}`
	for name, c := range map[string]struct {
		answer  string
		numbers int
		odd     int
	}{
		"a mark":                   {"\ufeff" + `{"data":[` + good + `]}`, 1, 0},
		"keys given twice":         {`{"message":"a","message":"b","data":[{"org_id":1,"org_id":2,"voip_number":"+918045678901"}]}`, 1, 0},
		"half a character":         {`{"data":[{"voip_number":"+918045678901","provider":"\ud83d"}]}`, 1, 0},
		"no UTF-8":                 {`{"data":[{"voip_number":"+918045678901","provider":"` + "\xff" + `"}]}`, 1, 0},
		"numbers as null":          {`{"data":[{"voip_number":"+918045678901","org_id":null,"status":null}]}`, 1, 0},
		"a number as a number":     {`{"data":[{"voip_number":918045678901}]}`, 1, 0},
		"a status as null":         {`{"data":[{"voip_number":"+918045678901","status":null}]}`, 1, 0},
		"null for a list":          {`{"data":null}`, 0, 1},
		"two lists":                {`{"data":[` + good + `],"data":[]}`, 1, 1},
		"no object":                {`{"data":["+918045678901",` + good + `]}`, 1, 1},
		"null":                     {`{"data":[null,` + good + `,null]}`, 1, 2},
		"a list in it":             {`{"data":[[],` + good + `]}`, 1, 1},
		"no number":                {`{"data":[{"status":"ACTIVE"},` + good + `]}`, 1, 1},
		"an empty number":          {`{"data":[{"voip_number":" "},` + good + `]}`, 1, 1},
		"null for a number":        {`{"data":[{"voip_number":null},` + good + `]}`, 1, 1},
		"a number of another kind": {`{"data":[{"voip_number":{"e164":"+918045678902"}},` + good + `]}`, 1, 1},
		"a number that is broken":  {`{"data":[{"voip_number":"+91804567890\ud800"},` + good + `]}`, 1, 1},
		"a number too long":        {`{"data":[{"voip_number":"` + strings.Repeat("1", maxNumberLength+1) + `"},` + good + `]}`, 1, 1},
		"two numbers":              {`{"data":[{"voip_number":"+918045678902","voip_number":"+918045678903"},` + good + `]}`, 1, 1},
		"a status of another kind": {`{"data":[{"voip_number":"+918045678902","status":{}},{"voip_number":"+918045678904","status":1},` + good + `]}`, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			provider := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept-Encoding") != "identity" {
					t.Errorf("it is asked for in %s", r.Header.Get("Accept-Encoding"))
				}
				say(w, c.answer)
			})
			numbers, odd, err := newClient(t, Config{BaseURL: provider.URL}).AvailableNumbers(t.Context())
			if err != nil || len(numbers) != c.numbers || odd != c.odd {
				t.Errorf("%v, %d odd, %v; want %d and %d odd", numbers, odd, err, c.numbers, c.odd)
			}
			if len(numbers) > 0 && numberKey(numbers[0].Number) != "918045678901" {
				t.Errorf("the number %v", numbers)
			}
		})
	}
}

func TestGzipIsReadInLookups(t *testing.T) {
	provider := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		say(z, `{"data":[{"voip_number":"+918045678901"}]}`)
		z.Close()
	})
	numbers, odd, err := newClient(t, Config{BaseURL: provider.URL}).AvailableNumbers(t.Context())
	if err != nil || len(numbers) != 1 || odd != 0 {
		t.Errorf("%v, %d, %v", numbers, odd, err)
	}
}

func TestInvalidAppIDs(t *testing.T) {
	for _, id := range []string{"", ".", "..", strings.Repeat("x", maxAppIDLength+1), "a\xff"} {
		provider := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/sfvopi/apps" {
				t.Errorf("asked for %s", r.URL)
			}
			say(w, `{"data":[{"app_id":"`+id+`","status":"ACTIVE"},{"app_id":"b","status":{}},{"app_id":7}]}`)
		})
		client := newClient(t, Config{BaseURL: provider.URL})
		if apps, odd, err := client.Apps(t.Context()); err != nil || odd != 1 || fmt.Sprint(apps) != "[{b } {7 }]" {
			t.Errorf("apps, id %q: %v, %d odd, %v", id, apps, odd, err)
		}
	}
	for _, id := range []string{"", ".", "..", strings.Repeat("x", maxAppIDLength+1)} {
		if _, _, err := newClient(t, Config{BaseURL: "http://provider"}).Numbers(t.Context(), id); !errors.Is(err, errAppID) {
			t.Errorf("numbers, id %q: %v", id, err)
		}
	}
}

// TestLookupErrorsRepeatNoSecret neither of what is asked with nor of the app_id
// that the provider gave.
func TestLookupErrorsRepeatNoSecret(t *testing.T) {
	for _, answer := range []func(http.ResponseWriter){
		func(w http.ResponseWriter) { w.WriteHeader(500); say(w, `{"message":"bad key key-1!"}`) },
		func(w http.ResponseWriter) { conn, _ := hijack(t, w); say(conn, "key-1 \r\n"); conn.Close() },
	} {
		provider := serve(t, func(w http.ResponseWriter, _ *http.Request) { answer(w) })
		_, _, err := newClient(t, Config{BaseURL: provider.URL}).Numbers(t.Context(), "+918045678901-key-1")
		if err == nil || strings.Contains(err.Error(), "key-1") || strings.Contains(err.Error(), "8045678901") {
			t.Errorf("error %v", err)
		}
	}
}

func TestLookupErrorsAreTypedAndMasked(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		answer  string
		message string
	}{
		"envelope":  {500, `{"message":"Failed to get available numbers: +918045678901"}`, "Failed to get available numbers: (number)"},
		"no key":    {401, `{"message":"UnAuthorized, Please Provide API Key"}`, "UnAuthorized, Please Provide API Key"},
		"page":      {502, `<html>+918045678901</html>`, ""},
		"redirect":  {302, ``, ""},
		"not found": {404, `{"message":"App not found"}`, "App not found"},
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			provider := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				requests++
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				say(w, c.answer)
			})
			_, _, err := newClient(t, Config{BaseURL: provider.URL}).AvailableNumbers(t.Context())
			var status *StatusError
			if !errors.As(err, &status) || *status != (StatusError{"/available-numbers", c.status, c.message}) || requests != 1 {
				t.Errorf("error %+v after %d requests", err, requests)
			}
		})
	}
	t.Run("not HTTP", func(t *testing.T) {
		provider := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _ := hijack(t, w)
			say(conn, "call +918045678901\r\n")
			conn.Close()
		})
		err := newClient(t, Config{BaseURL: provider.URL}).Probe(t.Context())
		if err == nil || strings.Contains(err.Error(), "8045678901") {
			t.Errorf("error %v", err)
		}
	})
}
