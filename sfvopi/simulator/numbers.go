package simulator

import (
	"bytes"
	"net/http"
)

func (s *Simulator) listNumbers(w http.ResponseWriter, r *http.Request, org *orgRecord) error {
	links, err := s.records.links(org, r.PathValue("app_id"))
	if err != nil {
		return err
	}
	writeData(w, http.StatusOK, links)
	return nil
}

func (s *Simulator) listAvailable(w http.ResponseWriter, _ *http.Request, org *orgRecord) error {
	writeData(w, http.StatusOK, s.records.available(org))
	return nil
}

func (s *Simulator) linkNumber(w http.ResponseWriter, r *http.Request, org *orgRecord) error {
	var body bytes.Buffer
	if err := readBody(r, &body); err != nil {
		return err
	}
	var fields struct {
		VoIPNumber string `json:"voip_number"`
	}
	if err := decode(body.Bytes(), &fields); err != nil {
		return err
	}
	if !isE164(fields.VoIPNumber) {
		return invalid("voip_number must be a phone number in E.164 format")
	}
	linked, err := s.records.linkNumber(org, r.PathValue("app_id"), fields.VoIPNumber)
	if err != nil {
		return err
	}
	writeData(w, http.StatusCreated, linked)
	return nil
}

func (s *Simulator) unlinkNumber(w http.ResponseWriter, r *http.Request, org *orgRecord) error {
	if err := s.records.unlinkNumber(org, r.PathValue("app_id"), r.PathValue("voip_number")); err != nil {
		return err
	}
	writeData(w, http.StatusOK, deleted{true})
	return nil
}
