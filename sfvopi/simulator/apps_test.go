package simulator

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func TestLookupsOfTheDefaultWorld(t *testing.T) {
	p := overTCP(t, Config{})
	var apps struct {
		Data    []map[string]any
		Message string
	}
	p.decode(p.want("GET", "/sfvopi/apps", "", 200, "success"), &apps)
	if len(apps.Data) != 2 || apps.Data[0]["status"] != "ACTIVE" || apps.Data[1]["status"] != "INACTIVE" {
		t.Fatalf("apps: %v", apps.Data)
	}
	for _, field := range []string{
		"app_id", "org_id", "name", "answer_url", "answer_method", "hangup_url", "hangup_method",
		"fallback_answer_url", "fallback_answer_method", "status", "created_by", "created_at", "updated_at",
	} {
		if _, ok := apps.Data[0][field]; !ok {
			t.Errorf("an app has no %s", field)
		}
	}
	var links struct{ Data []map[string]any }
	p.decode(p.want("GET", "/sfvopi/apps/sfv_app_reminders001/numbers", "", 200, "success"), &links)
	if len(links.Data) != 3 || links.Data[0]["voip_number"] != DefaultNumber || links.Data[0]["status"] != "ACTIVE" {
		t.Errorf("links: %v", links.Data)
	}
	p.want("GET", "/sfvopi/available-numbers", "", 200, `"voip_number":"`+DefaultAvailableNumber+`"`)
	p.want("GET", "/superfone/sfvopi/apps/sfv_app_retired00001", "", 200, `"name":"Retired"`)
	p.want("GET", "/sfvopi/apps/nothing", "", 404, message("SFVoPI app not found"))
	p.want("GET", "/sfvopi/apps/nothing/numbers", "", 404, message("SFVoPI app not found"))
}

func TestLifeOfAnApp(t *testing.T) {
	p := overTCP(t, Config{})
	var created struct {
		Data struct {
			AppID     string  `json:"app_id"`
			Status    string  `json:"status"`
			HangupURL *string `json:"hangup_url"`
			UpdatedAt *string `json:"updated_at"`
			CreatedAt string  `json:"created_at"`
		}
	}
	p.want("POST", "/sfvopi/apps", `{"name":"New"}`, 400, "answer_url is required")
	p.want("POST", "/sfvopi/apps", `{"answer_url":"https://a.example"}`, 400, "name is required")
	p.want("POST", "/sfvopi/apps", `{"name":"New","answer_url":"https://a.example","status":"ON"}`, 400, "status must be ACTIVE or INACTIVE")
	p.want("POST", "/sfvopi/apps", `{"name":"New","answer_url":"https://a.example","hangup_url":"a"}`, 400, "hangup_url must be a URL")
	p.decode(p.want("POST", "/sfvopi/apps", `{"name":"New","answer_url":"https://a.example","hangup_url":"https://b.example"}`, 201, "success"), &created)
	if created.Data.Status != "ACTIVE" || created.Data.UpdatedAt != nil || len(created.Data.CreatedAt) != len("2006-01-02T15:04:05.000Z") {
		t.Errorf("created %+v", created.Data)
	}
	path := "/sfvopi/apps/" + created.Data.AppID
	p.want("GET", path+"/numbers", "", 200, `"data":[]`)
	p.want("POST", path+"/numbers", `{"voip_number":"`+DefaultAvailableNumber+`"}`, 201, `"status":"ACTIVE"`)
	p.want("POST", "/sfvopi/calls", callBody(DefaultAvailableNumber, testCallee, testAnswerURL), 201, "queued")

	p.want("PUT", path, `{"status":"OFF"}`, 400, "status must be")
	p.want("PUT", path, `{"hangup_url":"nonsense"}`, 400, "hangup_url must be")
	p.want("GET", path, "", 200, `"hangup_url":"https://b.example"`)
	p.want("PUT", path, `{"status":"INACTIVE","hangup_url":null}`, 200, `"hangup_url":null`)
	p.want("GET", path, "", 200, `"name":"New"`)
	p.want("POST", "/sfvopi/calls", callBody(DefaultAvailableNumber, testCallee, testAnswerURL), 400, "is not linked to any SFVoPI app")

	p.want("DELETE", path, "", 200, `{"data":{"deleted":true},"message":"success"}`)
	p.want("DELETE", path, "", 404, message("SFVoPI app not found"))
	p.want("PUT", path, `{"name":"x"}`, 404, message("SFVoPI app not found"))
	p.want("GET", "/sfvopi/available-numbers", "", 200, DefaultAvailableNumber)
}

func TestAnInactiveLinkIsNeitherListedNorAvailable(t *testing.T) {
	p := overTCP(t, Config{})
	if err := p.LinkNumber(DefaultOrganisation, "sfv_app_reminders001", DefaultNumber, Inactive); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/sfvopi/apps/sfv_app_reminders001/numbers", "/sfvopi/available-numbers"} {
		if got := p.want("GET", path, "", 200, "success"); strings.Contains(got, DefaultNumber) {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestLifeOfANumber(t *testing.T) {
	p := overTCP(t, Config{})
	const numbers = "/sfvopi/apps/sfv_app_reminders001/numbers"
	p.want("POST", numbers, `{"voip_number":"+912071530000"}`, 400, message("VoIP number not found or does not belong to this org"))
	p.want("POST", numbers, `{"voip_number":"2071530000"}`, 400, "voip_number must be")
	p.want("POST", "/sfvopi/apps/nothing/numbers", `{"voip_number":"`+DefaultAvailableNumber+`"}`, 404, message("SFVoPI app not found"))
	p.want("POST", numbers, `{"voip_number":"`+DefaultInactiveNumber+`"}`, 409, message("VoIP number is already linked to another SFVoPI app"))
	p.want("DELETE", numbers+"/"+DefaultAvailableNumber, "", 404, message("Number not linked to this app"))
	p.want("DELETE", numbers+"/%2B912071531001", "", 200, `{"deleted":true}`)
	p.want("POST", "/sfvopi/calls", callBody(DefaultNumber, testCallee, testAnswerURL), 400, "is not linked to any SFVoPI app")
	p.want("POST", numbers, `{"voip_number":"`+DefaultNumber+`"}`, 201, `"app_id":"sfv_app_reminders001"`)
	p.want("POST", "/sfvopi/calls", callBody(DefaultNumber, testCallee, testAnswerURL), 201, "queued")
}

func (p *provider) decode(text string, into any) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(text), into, json.MatchCaseInsensitiveNames(true)); err != nil {
		p.t.Fatal(err)
	}
}
