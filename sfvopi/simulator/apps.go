package simulator

import (
	"bytes"
	"net/http"
)

func (s *Simulator) listApps(w http.ResponseWriter, _ *http.Request, org *orgRecord) error {
	writeData(w, http.StatusOK, s.records.apps(org))
	return nil
}

func (s *Simulator) getApp(w http.ResponseWriter, r *http.Request, org *orgRecord) error {
	found, err := s.records.appByID(org, r.PathValue("app_id"))
	if err != nil {
		return err
	}
	writeData(w, http.StatusOK, found)
	return nil
}

// appFields are the fields of an app that its owner writes.
type appFields struct {
	Name                 string  `json:"name"`
	AnswerURL            string  `json:"answer_url"`
	AnswerMethod         string  `json:"answer_method"`
	HangupURL            *string `json:"hangup_url"`
	HangupMethod         string  `json:"hangup_method"`
	FallbackAnswerURL    *string `json:"fallback_answer_url"`
	FallbackAnswerMethod string  `json:"fallback_answer_method"`
	Status               Status  `json:"status"`
}

func (s *Simulator) createApp(w http.ResponseWriter, r *http.Request, org *orgRecord) error {
	fields := appFields{
		AnswerMethod: http.MethodPost, HangupMethod: http.MethodPost,
		FallbackAnswerMethod: http.MethodPost, Status: Active,
	}
	if err := fields.read(r); err != nil {
		return err
	}
	created := app{AppID: s.ids.next(appPrefix)}
	fields.into(&created)
	writeData(w, http.StatusCreated, s.records.createApp(org, created))
	return nil
}

// updateApp changes the fields that are given and leaves the others.
func (s *Simulator) updateApp(w http.ResponseWriter, r *http.Request, org *orgRecord) error {
	var body bytes.Buffer
	if err := readBody(r, &body); err != nil {
		return err
	}
	changed, err := s.records.updateApp(org, r.PathValue("app_id"), func(current *app) error {
		fields := fieldsOf(current)
		if err := fields.parse(body.Bytes()); err != nil {
			return err
		}
		fields.into(current)
		return nil
	})
	if err != nil {
		return err
	}
	writeData(w, http.StatusOK, changed)
	return nil
}

func (s *Simulator) deleteApp(w http.ResponseWriter, r *http.Request, org *orgRecord) error {
	if err := s.records.deleteApp(org, r.PathValue("app_id")); err != nil {
		return err
	}
	writeData(w, http.StatusOK, deleted{true})
	return nil
}

type deleted struct {
	Deleted bool `json:"deleted"`
}

func (f *appFields) read(r *http.Request) error {
	var body bytes.Buffer
	if err := readBody(r, &body); err != nil {
		return err
	}
	return f.parse(body.Bytes())
}

func (f *appFields) parse(body []byte) error {
	if err := decode(body, f); err != nil {
		return err
	}
	if f.Name == "" {
		return invalid("name is required")
	}
	if f.Status != Active && f.Status != Inactive {
		return invalid("status must be ACTIVE or INACTIVE")
	}
	if f.AnswerURL == "" {
		return invalid("answer_url is required")
	}
	for _, hook := range []struct {
		name, method string
		url          *string
	}{
		{"answer", f.AnswerMethod, &f.AnswerURL},
		{"hangup", f.HangupMethod, f.HangupURL},
		{"fallback_answer", f.FallbackAnswerMethod, f.FallbackAnswerURL},
	} {
		if hook.url != nil && !isWebURL(*hook.url) {
			return invalid("%s_url must be a URL with http or https", hook.name)
		}
		if hook.method != http.MethodPost && hook.method != http.MethodGet {
			return invalid("%s_method must be POST or GET", hook.name)
		}
	}
	return nil
}

// fieldsOf copies the pointed-to texts too: reading JSON into them must not
// reach the app before the change is accepted.
func fieldsOf(a *app) appFields {
	return appFields{
		Name: a.Name, AnswerURL: a.AnswerURL, AnswerMethod: a.AnswerMethod,
		HangupURL: cloneText(a.HangupURL), HangupMethod: a.HangupMethod,
		FallbackAnswerURL: cloneText(a.FallbackAnswerURL), FallbackAnswerMethod: a.FallbackAnswerMethod,
		Status: a.Status,
	}
}

func cloneText(text *string) *string {
	if text == nil {
		return nil
	}
	return new(*text)
}

func (f *appFields) into(a *app) {
	a.Name, a.Status = f.Name, f.Status
	a.AnswerURL, a.AnswerMethod = f.AnswerURL, f.AnswerMethod
	a.HangupURL, a.HangupMethod = f.HangupURL, f.HangupMethod
	a.FallbackAnswerURL, a.FallbackAnswerMethod = f.FallbackAnswerURL, f.FallbackAnswerMethod
}
