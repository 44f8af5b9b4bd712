package simulator

import (
	"net/http"
	"strings"
	"time"
)

// handleProvider registers the endpoints of the provider's documentation, under
// both prefixes that base URLs are configured with.
func (s *Simulator) handleProvider() {
	for _, prefix := range []string{"/superfone/sfvopi", "/sfvopi"} {
		s.routes.HandleFunc("POST "+prefix+"/calls", s.placeCall)
		s.lookup("GET", prefix, "/apps", s.listApps)
		s.lookup("POST", prefix, "/apps", s.createApp)
		s.lookup("GET", prefix, "/apps/{app_id}", s.getApp)
		s.lookup("PUT", prefix, "/apps/{app_id}", s.updateApp)
		s.lookup("DELETE", prefix, "/apps/{app_id}", s.deleteApp)
		s.lookup("GET", prefix, "/apps/{app_id}/numbers", s.listNumbers)
		s.lookup("POST", prefix, "/apps/{app_id}/numbers", s.linkNumber)
		s.lookup("DELETE", prefix, "/apps/{app_id}/numbers/{voip_number}", s.unlinkNumber)
		s.lookup("GET", prefix, "/available-numbers", s.listAvailable)
	}
	s.routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeMessage(w, http.StatusNotFound, "Cannot "+r.Method+" "+r.URL.Path)
	})
}

// endpoint answers an authenticated request to which no fault applied.
type endpoint func(w http.ResponseWriter, r *http.Request, org *orgRecord) error

// lookup registers an endpoint that rings no phone.
func (s *Simulator) lookup(method, prefix, path string, answer endpoint) {
	s.routes.HandleFunc(method+" "+prefix+path, func(w http.ResponseWriter, r *http.Request) {
		s.oracle.lookup()
		org, err := s.records.authenticate(r.Header.Get("X-Api-Key"))
		if err != nil {
			s.hold(r, s.delay())
			writeError(w, err)
			return
		}
		about := subject{
			scope: Lookups, organisation: org.name,
			method: r.Method, path: strings.TrimPrefix(r.URL.Path, "/superfone"),
		}
		at := time.Now()
		hit := s.rules.match(&about, at)
		if hit.fault == nil {
			about.unread = true
			hit = s.rules.match(&about, at)
		}
		if hit.fault != nil {
			s.deliver(w, r, &hit, "", "")
			return
		}
		s.hold(r, s.delay())
		if err := answer(w, r, org); err != nil {
			writeError(w, err)
		}
	})
}

// hold keeps an answer back; a client that has left, or a simulator that closes,
// ends it early, and then it does not matter what is written.
func (s *Simulator) hold(r *http.Request, d time.Duration) {
	s.lifecycle.hold(r.Context(), d)
}
