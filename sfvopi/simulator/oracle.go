package simulator

import (
	"sync"
	"time"
)

// Identity is what a callee would call the same call: asked for by one
// organisation, to one number, about one answer URL. The provider has no
// idempotency key; publishers' answer URLs carry one.
type Identity struct {
	Organisation string `json:"organisation"`
	Callee       string `json:"callee"`
	AnswerURL    string `json:"answer_url"`
}

// Post is one POST /sfvopi/calls that arrived.
type Post struct {
	At time.Time `json:"at"`
	// Result is the name of the fault that applied, or one of the Result
	// constants.
	Result string `json:"result"`
	// RequestUUID is set if the call went out, whether or not the caller learnt
	// of it.
	RequestUUID string `json:"request_uuid,omitzero"`
}

// Ring is one call that went out.
type Ring struct {
	RequestUUID string    `json:"request_uuid"`
	CallUUID    string    `json:"call_uuid"`
	AcceptedAt  time.Time `json:"accepted_at"`
	// RangAt is zero until the phone rings.
	RangAt time.Time `json:"rang_at,omitzero"`
	// Ending and EndedAt are zero while the call is open, and stay so if it was
	// broken off.
	Ending  Ending    `json:"ending,omitzero"`
	EndedAt time.Time `json:"ended_at,omitzero"`
}

// Hook is one webhook that was posted, or that was lost.
type Hook struct {
	Kind        HookKind  `json:"kind"`
	RequestUUID string    `json:"request_uuid"`
	At          time.Time `json:"at"`
	// Fault is the name of the hook fault that struck it; a lost one was never
	// posted.
	Fault string `json:"fault,omitzero"`
	// Status is the HTTP status of the answer, 0 if there was none.
	Status int `json:"status"`
	// Error is why there was none.
	Error string `json:"error,omitzero"`
	// Stream is what is wrong with the Stream JSON that the answer hook was
	// answered with; empty if nothing is.
	Stream string `json:"stream,omitzero"`
}

// Call is all that is known about one identity. Counts are always kept; the
// lists stay empty with Config.CountsOnly.
type Call struct {
	Identity
	PostCount int    `json:"post_count"`
	Accepted  int    `json:"accepted"`
	Rung      int    `json:"rung"`
	Posts     []Post `json:"posts,omitzero"`
	Rings     []Ring `json:"rings,omitzero"`
	Hooks     []Hook `json:"hooks,omitzero"`
}

// Summary counts over all identities.
type Summary struct {
	Identities int `json:"identities"`
	Posts      int `json:"posts"`
	Accepted   int `json:"accepted"`
	Rung       int `json:"rung"`
	// RungTwice counts identities that were rung more than once.
	RungTwice int `json:"rung_twice"`
	Lookups   int `json:"lookups"`
	// Results counts POSTs by their result.
	Results map[string]int `json:"results"`
	// BusiestSecond is, for each organisation, the second with most POSTs, whatever
	// they came to.
	BusiestSecond map[string]Second `json:"busiest_second"`
	// Open counts, for each organisation, the calls that are open at once.
	Open map[string]OpenCalls `json:"open"`
}

// oracle records what really happened. It never influences an answer.
type oracle struct {
	countsOnly bool

	mu           sync.Mutex
	calls        map[Identity]*Call
	unidentified []Post
	results      map[string]int
	lookups      int
	meters       map[string]*peakMeter // by organisation
	open         map[string]*openMeter // by organisation
}

func newOracle(countsOnly bool) *oracle {
	o := &oracle{countsOnly: countsOnly, open: map[string]*openMeter{}}
	o.reset()
	return o
}

func (o *oracle) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls = map[Identity]*Call{}
	o.results = map[string]int{}
	o.meters = map[string]*peakMeter{}
	o.unidentified, o.lookups = nil, 0
	for _, open := range o.open {
		open.restart() // the calls under way are still open
	}
}

// post records a POST that led to no call.
func (o *oracle) post(id Identity, post Post) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.results[post.Result]++
	o.measure(id.Organisation, post.At)
	if id.Callee == "" {
		if !o.countsOnly {
			o.unidentified = append(o.unidentified, post)
		}
		return
	}
	o.countPost(o.call(id), post)
}

// measure records that a POST arrived. The caller holds the lock.
func (o *oracle) measure(organisation string, at time.Time) {
	if organisation == "" {
		return
	}
	p, ok := o.meters[organisation]
	if !ok {
		p = &peakMeter{}
		o.meters[organisation] = p
	}
	p.add(at)
}

// accept records a POST and the call that goes out because of it; rang is zero
// if the phone rings later.
func (o *oracle) accept(id Identity, callerID string, post Post, callUUID string, rang time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.openOf(id.Organisation).begin(callerID)
	o.results[post.Result]++
	o.measure(id.Organisation, post.At)
	call := o.call(id)
	o.countPost(call, post)
	call.Accepted++
	if !rang.IsZero() {
		call.Rung++
	}
	if !o.countsOnly {
		call.Rings = append(call.Rings, Ring{
			RequestUUID: post.RequestUUID, CallUUID: callUUID, AcceptedAt: post.At, RangAt: rang,
		})
	}
}

// rang records that an accepted call has begun to ring.
func (o *oracle) rang(id Identity, requestUUID string, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	call := o.call(id)
	call.Rung++
	for i := range call.Rings {
		if call.Rings[i].RequestUUID == requestUUID {
			call.Rings[i].RangAt = at
		}
	}
}

// ended records that an accepted call is open no more; ending is empty if it was
// broken off.
func (o *oracle) ended(id Identity, callerID, requestUUID string, ending Ending, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.openOf(id.Organisation).end(callerID)
	call, ok := o.calls[id]
	if !ok {
		return // forgotten by a reset
	}
	for i := range call.Rings {
		if call.Rings[i].RequestUUID == requestUUID {
			call.Rings[i].Ending, call.Rings[i].EndedAt = ending, at
		}
	}
}

// openOf finds or begins the count of an organisation's open calls. The caller
// holds the lock.
func (o *oracle) openOf(organisation string) *openMeter {
	found, ok := o.open[organisation]
	if !ok {
		found = &openMeter{callerIDs: map[string]*OpenCount{}}
		o.open[organisation] = found
	}
	return found
}

func (o *oracle) hook(id Identity, hook Hook) {
	if o.countsOnly {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	call := o.call(id)
	call.Hooks = append(call.Hooks, hook)
}

func (o *oracle) lookup() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lookups++
}

// call finds or begins the entry of an identity. The caller holds the lock.
func (o *oracle) call(id Identity) *Call {
	found, ok := o.calls[id]
	if !ok {
		found = &Call{Identity: id}
		o.calls[id] = found
	}
	return found
}

func (o *oracle) countPost(call *Call, post Post) {
	call.PostCount++
	if !o.countsOnly {
		call.Posts = append(call.Posts, post)
	}
}
