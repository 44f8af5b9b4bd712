package simulation

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
)

// overdueAfter is how long a call may be overdue before the audit looks for
// what it needs.
const overdueAfter = 15 * time.Minute

// loseParked takes away what is parked or due, as a power loss under the broker can.
func (r *run) loseParked() {
	if r.down {
		return
	}
	s, err := r.env.Conn.JetStream().Stream(context.Background(), queue.StreamParked)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := s.Purge(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// audit finds the calls that nothing would end, repairs
// what they lost, and lets them end.
func (r *run) audit() {
	o := r.operator()
	var lost []admin.AuditFinding
	_, err := o.Audit(context.Background(), "", overdueAfter, time.Now(), func(f admin.AuditFinding) error {
		lost = append(lost, f)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range lost {
		r.logf("the audit repairs %s", f.Record.ID)
		if err := o.Repair(context.Background(), f, time.Now()); err != nil {
			r.t.Fatal(err)
		}
	}
	r.lost = len(lost)
	if r.lost > 0 {
		r.sleepUntil(time.Since(r.began) + operatorPeriod)
		r.awaitIdle()
	}
}
