package simulator

import (
	"bytes"
	"errors"
	"net/http"
	"time"
)

// placeCall is POST /sfvopi/calls: authenticate, read, check, limit, match the
// app, and only then apply a fault.
func (s *Simulator) placeCall(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	var request callRequest
	org, err := s.records.authenticate(r.Header.Get("X-Api-Key"))
	if err != nil {
		s.refuseCall(w, r, Identity{}, arrived, err)
		return
	}
	id := Identity{Organisation: org.name}
	about := subject{scope: Calls, unread: true, organisation: org.name}
	if hit := s.rules.match(&about, arrived); hit.fault != nil {
		s.oracle.post(id, Post{At: arrived, Result: hit.fault.Name})
		s.deliver(w, r, &hit, "", "")
		return
	}
	err = s.readCall(r, &request)
	id.Callee, id.AnswerURL = request.To, request.AnswerURL
	if err != nil {
		s.refuseCall(w, r, id, arrived, err)
		return
	}
	if wait, ok := org.limit.allow(arrived); !ok {
		w.Header().Set("Retry-After", seconds(wait))
		s.refuseCall(w, r, id, arrived, errTooMany)
		return
	}
	app, err := s.records.callingApp(org, request.From)
	if err != nil {
		s.refuseCall(w, r, id, arrived, err)
		return
	}
	about = subject{
		scope: Calls, organisation: org.name,
		callee: request.To, callerID: request.From, answerURL: request.AnswerURL,
	}
	hit := s.rules.match(&about, arrived)
	if hit.fault != nil && !hit.fault.Rings {
		s.oracle.post(id, Post{At: arrived, Result: hit.fault.Name})
		s.deliver(w, r, &hit, request.From, "")
		return
	}
	//nolint:contextcheck // the call goes on after its request is answered
	requestUUID, ok := s.accept(id, &request, &app, &hit, arrived)
	if !ok {
		s.refuseCall(w, r, id, arrived, errClosing)
		return
	}
	if hit.fault != nil {
		s.deliver(w, r, &hit, request.From, requestUUID)
		return
	}
	s.hold(r, s.delay()+hit.delay)
	write(w, http.StatusCreated, queuedAnswer(requestUUID))
}

func (s *Simulator) readCall(r *http.Request, request *callRequest) error {
	*request = newCallRequest()
	buffer := s.bodies.Get().(*bytes.Buffer) //nolint:errcheck // the pool holds nothing else
	defer s.bodies.Put(buffer)
	buffer.Reset()
	if err := readBody(r, buffer); err != nil {
		return err
	}
	return request.parse(buffer.Bytes())
}

// accept records the call and starts it; it goes on without the
// request that asked for it.
func (s *Simulator) accept(id Identity, request *callRequest, app *app, hit *match, at time.Time) (string, bool) {
	if !s.lifecycle.begin() {
		return "", false
	}
	post := Post{At: at, Result: ResultAccepted, RequestUUID: s.ids.next(requestPrefix)}
	callUUID := s.ids.next(callPrefix)
	if hit.fault != nil {
		post.Result = hit.fault.Name
	}
	var rang time.Time
	if s.timing.RingDelay == 0 {
		rang = at
	}
	s.oracle.accept(id, post, callUUID, rang)
	if s.endsAtOnce() {
		s.lifecycle.end()
		return post.RequestUUID, true
	}
	call := &phoneCall{
		id: id, request: *request, app: *app, ending: hit.ending,
		requestUUID: post.RequestUUID, callUUID: callUUID,
	}
	if hit.fault != nil && hit.fault.ending != "" {
		call.ending, call.brokenHook = hit.fault.ending, true
	}
	go s.runCall(call)
	return post.RequestUUID, true
}

// refuseCall records a POST that was not good enough, and answers why.
func (s *Simulator) refuseCall(w http.ResponseWriter, r *http.Request, id Identity, at time.Time, err error) {
	result := ResultInvalid
	if refused, ok := errors.AsType[*apiError](err); ok {
		result = refused.result
	}
	s.oracle.post(id, Post{At: at, Result: result})
	s.hold(r, s.delay())
	writeError(w, err)
}

func queuedAnswer(requestUUID string) []byte {
	text := append(make([]byte, 0, 96), `{"data":{"request_uuid":"`...)
	text = append(text, requestUUID...)
	return append(text, `","status":"queued"},"message":"success"}`...)
}
