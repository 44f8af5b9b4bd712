package simulator

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const maxAdminBytes = 1 << 20

// handleAdmin registers the simulator's own endpoints. They need no key: any client that
// reaches the simulator may change it, which is why it listens on the loopback
// address unless told otherwise.
func (s *Simulator) handleAdmin() {
	const organisation = "/simulator/organisations/{organisation}"
	s.admin("PUT "+organisation, func(r *http.Request) error {
		var put Organisation
		if err := adminBody(r, &put); err != nil {
			return err
		}
		put.Name = r.PathValue("organisation")
		return s.PutOrganisation(put)
	})
	s.admin("PUT "+organisation+"/api-keys", func(r *http.Request) error {
		var keys []string
		if err := adminBody(r, &keys); err != nil {
			return err
		}
		return s.SetAPIKeys(r.PathValue("organisation"), keys...)
	})
	s.admin("PUT "+organisation+"/cps", func(r *http.Request) error {
		var perSecond float64
		if err := adminBody(r, &perSecond); err != nil {
			return err
		}
		return s.SetCPS(r.PathValue("organisation"), perSecond)
	})
	s.admin("PUT "+organisation+"/apps/{app_id}", func(r *http.Request) error {
		var put App
		if err := adminBody(r, &put); err != nil {
			return err
		}
		put.ID = r.PathValue("app_id")
		return s.PutApp(r.PathValue("organisation"), put)
	})
	s.admin("DELETE "+organisation+"/apps/{app_id}", func(r *http.Request) error {
		return s.RemoveApp(r.PathValue("organisation"), r.PathValue("app_id"))
	})
	s.admin("PUT "+organisation+"/apps/{app_id}/status", func(r *http.Request) error {
		var status Status
		if err := adminBody(r, &status); err != nil {
			return err
		}
		return s.SetAppStatus(r.PathValue("organisation"), r.PathValue("app_id"), status)
	})
	s.admin("PUT "+organisation+"/numbers/{number}", func(r *http.Request) error {
		var put struct {
			AppID  string `json:"app_id"`
			Status Status `json:"status"`
		}
		if err := adminBody(r, &put); err != nil {
			return err
		}
		if put.AppID == "" {
			return s.UnlinkNumber(r.PathValue("organisation"), r.PathValue("number"))
		}
		return s.LinkNumber(r.PathValue("organisation"), put.AppID, r.PathValue("number"), put.Status)
	})
	s.admin("DELETE "+organisation+"/numbers/{number}", func(r *http.Request) error {
		return s.RemoveNumber(r.PathValue("organisation"), r.PathValue("number"))
	})
	s.admin("PUT /simulator/latency", func(r *http.Request) error {
		var latency Latency
		if err := adminBody(r, &latency); err != nil {
			return err
		}
		return s.SetLatency(latency)
	})
	s.handleAdminRules()
	s.handleAdminReports()
}

func (s *Simulator) handleAdminRules() {
	s.admin("PUT /simulator/rules/{name}", func(r *http.Request) error {
		var rule Rule
		if err := adminBody(r, &rule); err != nil {
			return err
		}
		rule.Name = r.PathValue("name")
		return s.PutRule(rule)
	})
	s.admin("DELETE /simulator/rules/{name}", func(r *http.Request) error {
		return s.RemoveRule(r.PathValue("name"))
	})
	s.admin("DELETE /simulator/rules", func(*http.Request) error {
		s.ClearRules()
		return nil
	})
	s.report("GET /simulator/rules", func(*http.Request) any { return s.Rules() })
}

func (s *Simulator) handleAdminReports() {
	s.report("GET /simulator/faults", func(*http.Request) any { return Faults() })
	s.report("GET /simulator/hook-faults", func(*http.Request) any { return HookFaults() })
	s.report("GET /simulator/oracle", func(r *http.Request) any {
		query := r.URL.Query()
		return s.Report(ReportFilter{
			Organisation: query.Get("organisation"),
			Callee:       query.Get("callee"),
			AnswerURL:    query.Get("answer_url"),
			RungTwice:    query.Get("rung_twice") == "true",
		})
	})
	s.report("GET /simulator/oracle/summary", func(*http.Request) any {
		return s.oracle.report(ReportFilter{RungTwice: true}).Summary
	})
	s.admin("DELETE /simulator/oracle", func(*http.Request) error {
		s.Reset()
		return nil
	})
}

// admin registers a change: 204 if it was made, else a message that says why
// not.
func (s *Simulator) admin(pattern string, change func(*http.Request) error) {
	s.routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		err := change(r)
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, ErrNotFound):
			writeMessage(w, http.StatusNotFound, err.Error())
		default:
			writeMessage(w, http.StatusBadRequest, err.Error())
		}
	})
}

// report registers a look at the simulator, as indented JSON.
func (s *Simulator) report(pattern string, look func(*http.Request) any) {
	s.routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		text, err := json.Marshal(look(r), jsontext.WithIndent("  "), json.WithMarshalers(marshalDurations))
		if err != nil {
			writeMessage(w, http.StatusInternalServerError, err.Error())
			return
		}
		write(w, http.StatusOK, append(text, '\n'))
	})
}

// Durations are written and read as in "1m30s", like in the configuration file.
var (
	marshalDurations = json.MarshalFunc(func(d time.Duration) ([]byte, error) {
		return jsontext.AppendQuote(nil, d.String())
	})
	unmarshalDurations = json.UnmarshalFunc(func(text []byte, d *time.Duration) error {
		var written string
		if err := json.Unmarshal(text, &written); err != nil {
			return err
		}
		parsed, err := time.ParseDuration(written)
		*d = parsed
		return err
	})
)

func adminBody(r *http.Request, into any) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxAdminBytes+1))
	if err != nil {
		return err
	}
	if len(text) > maxAdminBytes {
		return errors.New("the body is longer than 1 MiB")
	}
	return json.Unmarshal(text, into, json.RejectUnknownMembers(true), json.WithUnmarshalers(unmarshalDurations))
}
