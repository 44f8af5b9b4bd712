package simulator

import (
	"cmp"
	"net/http"
	"sync"
	"time"
)

// hookPlan is what becomes of one hook of a call. It is fixed when the call is
// accepted, ring before hangup, so that rates and counts do not depend on how
// calls interleave.
type hookPlan struct {
	fault string // a name of HookFaults, or empty
	delay time.Duration
	// settled is closed once the hook was posted, or never will be.
	settled chan struct{}
	once    sync.Once
}

// settle says that nothing more will become of the hook.
func (p *hookPlan) settle() {
	if p != nil {
		p.once.Do(func() { close(p.settled) })
	}
}

// planHooks fixes what becomes of the call's hooks, and returns those that come
// before the POST is answered.
func (s *Simulator) planHooks(call *phoneCall, about *subject, at time.Time) (early []*hookPlan) {
	if s.hooks == nil {
		return nil
	}
	plan := func(kind HookKind) *hookPlan {
		hook := *about
		hook.scope, hook.hook = Hooks, kind
		p := &hookPlan{settled: make(chan struct{})}
		if hit := s.rules.match(&hook, at); hit.hookFault != nil {
			p.fault, p.delay = hit.hookFault.Name, cmp.Or(hit.delay, hit.hookFault.Delay)
		}
		if p.fault == HookEarly {
			early = append(early, p)
		}
		return p
	}
	call.ring = plan(ringHook)
	call.hangup = plan(hangupHook)
	return early
}

// holdUntil keeps the answer to a POST back until the hooks are settled, the
// client has left, or the simulator closes.
func (s *Simulator) holdUntil(r *http.Request, early []*hookPlan) {
	for _, hook := range early {
		select {
		case <-hook.settled:
		case <-r.Context().Done():
		case <-s.lifecycle.closing:
		}
	}
}

// postPlanned posts a ring or hangup hook as its plan says. Hooks that come late
// are posted beside the call, which waits for them before it is over.
func (s *Simulator) postPlanned(call *phoneCall, kind HookKind, plan *hookPlan, fill func(*payload)) {
	if s.hooks == nil {
		return
	}
	if _, target := call.target(kind); target == "" {
		plan.settle()
		return
	}
	later := func(wait func() bool) {
		call.later.Go(func() {
			defer plan.settle()
			if wait() {
				s.post(call, kind, plan.fault, fill)
			}
		})
	}
	switch plan.fault {
	case HookLate:
		later(func() bool { return s.lifecycle.sleep(plan.delay) })
		return
	case HookSwapped:
		later(func() bool { return s.lifecycle.wait(call.hangup.settled) })
		return
	case HookDoubled:
		s.post(call, kind, plan.fault, fill)
		later(func() bool { return s.lifecycle.sleep(plan.delay) })
		return
	case HookLost:
		s.oracle.hook(call.id, Hook{Kind: kind, RequestUUID: call.requestUUID, At: time.Now(), Fault: HookLost})
	case HookOpened:
		s.post(call, kind, HookOpened, nil)
		s.post(call, kind, "", fill)
	default:
		s.post(call, kind, plan.fault, fill)
	}
	plan.settle()
}
