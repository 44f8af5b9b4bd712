package crash

import (
	"fmt"
	"strings"

	fp "github.com/ringonce/ringonce/internal/failpoint"
	"github.com/ringonce/ringonce/tests/batch"
)

// trial is one way for a worker to die.
type trial struct {
	point  fp.Point
	nth    int
	action string // kill or stop
	batch  []batch.Kind
	// before arms a worker that dies ahead of this one, so that there is
	// something to be found.
	before string
	// late stops the worker with its first outcome known, until another one has
	// held the call as unknown and ended; only then can it come to the point.
	late bool
}

func (t trial) name() string {
	name := fmt.Sprintf("%s/%s", t.point, t.action)
	if t.batch[0] != batch.Healthy {
		name += "/" + string(t.batch[0])
	}
	if t.late {
		name += fmt.Sprintf("/late-%d", t.nth)
	}
	return name
}

func (t trial) failpoints() string {
	spec := fmt.Sprintf("%s:%d:%s", t.point, t.nth, t.action)
	if t.late {
		spec = string(fp.OutcomeKnown) + ":1:stop," + spec
	}
	return spec
}

// scenario is how a worker is brought to a point.
type scenario struct {
	points []fp.Point
	nth    int
	trial
}

// scenarios bring a worker to every point there is.
var scenarios = []scenario{
	{[]fp.Point{fp.HighWaterBefore, fp.HighWaterAfter, fp.HeartbeatBefore, fp.HeartbeatAfter, fp.RateIncrementBefore, fp.RateIncrementAfter}, 1, trial{batch: batch.Mix()}},
	{[]fp.Point{fp.ConnectBefore, fp.ConnectAfter}, 1, trial{batch: batch.Mix()}},
	{[]fp.Point{
		fp.DeliveryFetched, fp.DeliveryBegun, fp.LookupBefore, fp.LookupAfter, fp.ClaimBefore, fp.RecordStored, fp.ClaimAfter,
		fp.PostBegun, fp.WriteBefore, fp.WriteAllowed, fp.WriteAfter, fp.ReadAfter, fp.AnswerHeader, fp.AnswerRead,
		fp.OutcomeKnown, fp.OutcomeReported, fp.SettlePlaced, fp.OutcomeBefore, fp.OutcomeWritten, fp.AckBefore, fp.AckAfter,
	}, 2, trial{batch: batch.Mix(batch.Refused)}},
	{[]fp.Point{fp.SettleRefused, fp.ScheduleBefore, fp.ScheduleAfter}, 1, trial{batch: batch.Mix(batch.Refused)}},
	{[]fp.Point{fp.SettleRejected}, 1, trial{batch: batch.Mix(batch.Rejected)}},
	{[]fp.Point{
		fp.SettleSuspended, fp.SuspendBefore, fp.SuspendAfter, fp.NakBefore, fp.NakAfter,
		fp.LiftBefore, fp.LiftAfter, fp.ClearLiftedBefore, fp.ClearLiftedAfter,
	}, 1, trial{batch: batch.Mix(batch.Suspended)}},
	{[]fp.Point{fp.SettleUnknown, fp.DeadLetterBefore, fp.DeadLetterAfter, fp.RecheckBefore, fp.RecheckAfter}, 1, trial{batch: batch.Mix(batch.Lost)}},
	{[]fp.Point{fp.EndBefore, fp.DecisionWritten}, 1, trial{batch: batch.Mix(batch.Expired, batch.Unlinked)}},
	{[]fp.Point{fp.WaitBefore}, 1, trial{batch: batch.Mix(batch.Later)}},
	{[]fp.Point{fp.DuplicateFound}, 1, trial{batch: batch.Mix(batch.Duplicate)}},
	{[]fp.Point{fp.ConflictFound, fp.DeadLetterOnlyWritten}, 1, trial{batch: batch.Mix(batch.Conflicting)}},
	{[]fp.Point{fp.NoIDFound}, 1, trial{batch: batch.Mix(batch.Malformed)}},
	{[]fp.Point{fp.RecordReadBefore, fp.RecordReadAfter, fp.RecordReadBack}, 1, trial{batch: batch.Mix(batch.Refused), before: string(fp.OutcomeWritten)}},
	{[]fp.Point{fp.ClaimWaitBegun, fp.ClaimWaitOver}, 1, trial{batch: batch.Mix(batch.Refused), before: string(fp.ClaimAfter)}},
	{append([]fp.Point{fp.RecoveryFound, fp.RecoveryDone}, lateEvidence...), 1, trial{batch: []batch.Kind{batch.Healthy}, late: true}},
}

// outcomeScenarios are the points that every outcome passes, for each outcome alone.
var outcomeScenarios = []scenario{
	{afterPost, 1, trial{batch: []batch.Kind{batch.Refused, batch.Refused}}},
	{afterPost, 1, trial{batch: []batch.Kind{batch.Rejected, batch.Rejected}}},
	{afterPost, 1, trial{batch: []batch.Kind{batch.Suspended, batch.Suspended}}},
	{afterPost, 1, trial{batch: []batch.Kind{batch.Lost, batch.Gateway}}},
	{afterPost, 1, trial{batch: []batch.Kind{batch.Silent, batch.Slow}}},
	{lateEvidence, 1, trial{batch: []batch.Kind{batch.Refused}, late: true}},
	{scheduled, 2, trial{batch: []batch.Kind{batch.Refused}, late: true}}, // the first schedule is that of the recovery message
	{lateEvidence, 1, trial{batch: []batch.Kind{batch.Suspended}, late: true}},
	{scheduled, 2, trial{batch: []batch.Kind{batch.Suspended}, late: true}},
	{append([]fp.Point{fp.DeadLetterBefore, fp.DeadLetterAfter}, lateEvidence...), 1, trial{batch: []batch.Kind{batch.Rejected}, late: true}},
}

var (
	afterPost    = []fp.Point{fp.OutcomeKnown, fp.OutcomeBefore, fp.OutcomeWritten}
	lateEvidence = append([]fp.Point{fp.EvidenceWritable, fp.EvidenceWritten, fp.DeadLetterDeleteBefore, fp.DeadLetterDeleteAfter}, scheduled...)
	scheduled    = []fp.Point{fp.ScheduleBefore, fp.ScheduleAfter}
)

// plan lists the trials: all of them, a sample (every point once, killed or
// stopped by turns), or a few.
func plan(extent string) []trial {
	var trials []trial
	for _, action := range []string{"kill", "stop"} {
		for i, w := range append(append([]scenario{}, scenarios...), outcomeScenarios...) {
			for j, p := range w.points {
				t := w.trial
				t.point, t.nth, t.action = p, w.nth, action
				turn := (action == "kill") == (j%2 == 0)
				if extent == "all" || (extent == "sample" && turn && i < len(scenarios)) || (extent == "few" && strings.Contains(few, t.name()+" ")) {
					trials = append(trials, t)
				}
			}
		}
	}
	return trials
}

// few are what every run of the tests goes through.
const few = "claim.before/kill claim.after/kill write.after/kill outcome.written/kill schedule.before/kill write.allowed/stop outcome.known/stop "
