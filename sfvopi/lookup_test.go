package sfvopi

import (
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
	apps, err := client.Apps(t.Context())
	same("apps", apps, err, []App{{"sfv_app_1", "Sales", StatusActive}, {"app/2", "Old", StatusInactive}})
	numbers, err := client.Numbers(t.Context(), "sfv_app_1")
	same("numbers", numbers, err, []Number{{"+918045678901", StatusActive}})
	numbers, err = client.Numbers(t.Context(), "app/2")
	same("numbers of an id that needs escaping", numbers, err, []Number{})
	numbers, err = client.AvailableNumbers(t.Context())
	same("available numbers", numbers, err, []Number{{"+918045678902", "AVAILABLE"}})
	same("probe", nil, client.Probe(t.Context()), nil)
}

// What is not a list of numbers must never be taken for an empty one.
func TestAnswersThatAreNoList(t *testing.T) {
	for name, answer := range map[string]string{
		"empty":           ``,
		"HTML":            `<html></html>`,
		"no data":         `{"message":"success"}`,
		"null":            `{"data":null,"message":"success"}`,
		"object":          `{"data":{},"message":"success"}`,
		"bare list":       `[]`,
		"strings":         `{"data":["+918045678901"]}`,
		"number missing":  `{"data":[{"status":"ACTIVE"}]}`,
		"number too long": `{"data":[{"voip_number":"` + strings.Repeat("1", maxNumberLength+1) + `"}]}`,
		"too many":        `{"data":[` + strings.Repeat(`{"voip_number":"1"},`, maxNumbers) + `{"voip_number":"1"}]}`,
		"too large":       `{"data":[{"voip_number":"1","x":"` + strings.Repeat("x", maxLookupSize) + `"}]}`,
		"more after it":   `{"data":[]} {"data":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			provider := serve(t, func(w http.ResponseWriter, _ *http.Request) { say(w, answer) })
			client := newClient(t, Config{BaseURL: provider.URL})
			if numbers, err := client.AvailableNumbers(t.Context()); err == nil || strings.Contains(err.Error(), "8045678901") {
				t.Errorf("%v, error %v", numbers, err)
			}
		})
	}
}

func TestAppIDsThatCannotStandInAPath(t *testing.T) {
	for _, id := range []string{"", ".", "..", strings.Repeat("x", maxAppIDLength+1)} {
		provider := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/sfvopi/apps" {
				t.Errorf("asked for %s", r.URL)
			}
			fmt.Fprintf(w, `{"data":[{"app_id":%q,"status":"ACTIVE"}]}`, id)
		})
		client := newClient(t, Config{BaseURL: provider.URL})
		if _, err := client.Apps(t.Context()); !errors.Is(err, errAppID) {
			t.Errorf("apps, id %q: %v", id, err)
		}
		if _, err := client.Numbers(t.Context(), id); !errors.Is(err, errAppID) {
			t.Errorf("numbers, id %q: %v", id, err)
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
			_, err := newClient(t, Config{BaseURL: provider.URL}).AvailableNumbers(t.Context())
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
