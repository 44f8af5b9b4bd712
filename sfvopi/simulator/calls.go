package simulator

import (
	"bytes"
	"cmp"
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
	if hit.silent() {
		s.oracle.post(id, Post{At: arrived, Result: hit.fault.Name})
		s.deliver(w, r, &hit, request.From, "")
		return
	}
	//nolint:contextcheck // the call goes on after its request is answered
	requestUUID, early, ok := s.accept(&about, &request, &app, &hit, arrived)
	if !ok {
		s.refuseCall(w, r, id, arrived, errClosing)
		return
	}
	s.holdUntil(r, early)
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

// accept records the call and starts it; it goes on without the request that
// asked for it. What it returns beside the request_uuid are the hooks that come
// before the POST is answered.
func (s *Simulator) accept(about *subject, request *callRequest, app *app, hit *match, at time.Time) (requestUUID string, early []*hookPlan, ok bool) {
	if !s.lifecycle.begin() {
		return "", nil, false
	}
	id := Identity{about.organisation, about.callee, about.answerURL}
	post := Post{At: at, Result: ResultAccepted, RequestUUID: s.ids.next(requestPrefix)}
	callUUID := s.ids.next(callPrefix)
	if hit.fault != nil {
		post.Result = hit.fault.Name
	}
	var rang time.Time
	if s.timing.RingDelay == 0 {
		rang = at
	}
	s.oracle.accept(id, request.From, post, callUUID, rang)
	if s.endsAtOnce(hit) {
		s.oracle.ended(id, request.From, post.RequestUUID, cmp.Or(hit.ending, Completed), at)
		s.lifecycle.end()
		return post.RequestUUID, nil, true
	}
	call := &phoneCall{
		id: id, request: *request, app: *app, ending: cmp.Or(hit.ending, Completed),
		reaction: s.timing.AnswerDelay, talk: cmp.Or(hit.duration, s.timing.Duration),
		requestUUID: post.RequestUUID, callUUID: callUUID,
	}
	if hit.afterRings > 0 {
		call.reaction = time.Duration(hit.afterRings) * RingCadence
	}
	if hit.fault != nil && hit.fault.ending != "" {
		call.ending, call.brokenHook = hit.fault.ending, true
	}
	early = s.planHooks(call, about, at)
	go s.runCall(call)
	return post.RequestUUID, early, true
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
