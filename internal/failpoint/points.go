package failpoint

// Point is one step at which a worker can die.
type Point string

// A request arrives, and is decided about.
const (
	DeliveryFetched       Point = "delivery.fetched"         // a message was pulled, and nothing was done about it
	DeliveryBegun         Point = "delivery.begun"           // a request was read, and is about to be decided about
	RecordReadBefore      Point = "record.read-before"       // the record is about to be read
	RecordReadAfter       Point = "record.read-after"        // the record was read, and nothing was decided
	LookupBefore          Point = "lookup.before"            // the linkage is about to be looked up
	LookupAfter           Point = "lookup.after"             // the linkage is known
	EndBefore             Point = "end.before"               // the request ends without a call, and nothing is written
	WaitBefore            Point = "wait.before"              // the request waits for a time, and nothing is written
	DecisionWritten       Point = "decision.written"         // a decided end or wait is recorded, and has no effect yet
	DuplicateFound        Point = "duplicate.found"          // the request was published twice, and is not acknowledged
	ConflictFound         Point = "conflict.found"           // the id belongs to another request, and there is no dead letter
	NoIDFound             Point = "no-id.found"              // the request has no id, and there is no dead letter
	DeadLetterOnlyWritten Point = "dead-letter-only.written" // a dead letter without a record is written, and its message is not acknowledged
	ClaimWaitBegun        Point = "claim-wait.begun"         // another worker's claim was found, and the message not handed back
	ClaimWaitOver         Point = "claim-wait.over"          // another worker's claim is over, and the call not yet recorded as unknown
	RecoveryFound         Point = "recovery.found"           // a recovery message has come, and nothing was done about it
	RecoveryDone          Point = "recovery.done"            // a recovery message was carried out, and is not acknowledged
)

// The call is claimed, and dialled once.
const (
	ClaimBefore      Point = "claim.before"      // the claim is about to be written
	ClaimAfter       Point = "claim.after"       // the call is claimed, and nothing is dialled
	RecordStored     Point = "record.stored"     // the broker has stored a record, and its version is not noted
	RecordReadBack   Point = "record.read-back"  // the broker did not confirm a record, which is about to be read back
	PostBegun        Point = "post.begun"        // the attempt has begun, without a connection
	ConnectBefore    Point = "connect.before"    // the provider is about to be connected to
	ConnectAfter     Point = "connect.after"     // the provider is connected to, and nothing is written
	WriteBefore      Point = "write.before"      // the request is about to be checked for the last time, and written
	WriteAllowed     Point = "write.allowed"     // the last check has passed, and nothing is written
	WriteAfter       Point = "write.after"       // the request is written, and no answer read
	ReadAfter        Point = "read.after"        // the first bytes of the answer are read
	AnswerHeader     Point = "answer.header"     // the answer's header is known, its body is not read
	AnswerRead       Point = "answer.read"       // the answer is read, and not judged
	OutcomeKnown     Point = "outcome.known"     // the outcome is known, and written nowhere
	OutcomeReported  Point = "outcome.reported"  // the lane knows the outcome; it is written nowhere
	EvidenceWritable Point = "evidence.writable" // the call became unknown meanwhile, and the outcome is about to be recorded
	EvidenceWritten  Point = "evidence.written"  // late evidence is recorded, and the dead letter still there
)

// The outcome is recorded.
const (
	SettlePlaced    Point = "settle.placed"    // the call was placed, which is not recorded
	SettleRefused   Point = "settle.refused"   // the call was refused, which is not recorded
	SettleRejected  Point = "settle.rejected"  // the call was rejected, which is not recorded
	SettleSuspended Point = "settle.suspended" // the account is suspended, without a flag
	SettleUnknown   Point = "settle.unknown"   // the call may have rung, which is not recorded
	OutcomeBefore   Point = "outcome.before"   // the outcome is about to be recorded
	OutcomeWritten  Point = "outcome.written"  // the outcome is recorded, and has no effect yet
	RecheckBefore   Point = "recheck.before"   // a dead letter of an unknown call is written, and its record about to be read again
	RecheckAfter    Point = "recheck.after"    // the record of an unknown call was read again
)

// The effects: each is one write to the broker, about to be made or made.
const (
	ScheduleBefore         Point = "schedule.before"
	ScheduleAfter          Point = "schedule.after"
	DeadLetterBefore       Point = "dead-letter.before"
	DeadLetterAfter        Point = "dead-letter.after"
	DeadLetterDeleteBefore Point = "dead-letter-delete.before"
	DeadLetterDeleteAfter  Point = "dead-letter-delete.after"
	SuspendBefore          Point = "suspend.before"
	SuspendAfter           Point = "suspend.after"
	LiftBefore             Point = "lift.before"
	LiftAfter              Point = "lift.after"
	ClearLiftedBefore      Point = "clear-lifted.before"
	ClearLiftedAfter       Point = "clear-lifted.after"
	HighWaterBefore        Point = "high-water.before"
	HighWaterAfter         Point = "high-water.after"
	HeartbeatBefore        Point = "heartbeat.before"
	HeartbeatAfter         Point = "heartbeat.after"
	RateIncrementBefore    Point = "rate-increment.before"
	RateIncrementAfter     Point = "rate-increment.after"
	AckBefore              Point = "ack.before"
	AckAfter               Point = "ack.after"
	NakBefore              Point = "nak.before"
	NakAfter               Point = "nak.after"
)

// All lists every point.
func All() []Point {
	return []Point{
		HighWaterBefore, HighWaterAfter, HeartbeatBefore, HeartbeatAfter, RateIncrementBefore, RateIncrementAfter,
		DeliveryFetched, DeliveryBegun, RecordReadBefore, RecordReadAfter, LookupBefore, LookupAfter,
		EndBefore, WaitBefore, DecisionWritten, DuplicateFound, ConflictFound, NoIDFound, DeadLetterOnlyWritten,
		ClaimWaitBegun, ClaimWaitOver, RecoveryFound, RecoveryDone,
		ClaimBefore, ClaimAfter, RecordStored, RecordReadBack, PostBegun, ConnectBefore, ConnectAfter,
		WriteBefore, WriteAllowed, WriteAfter, ReadAfter, AnswerHeader, AnswerRead, OutcomeKnown, OutcomeReported,
		SettlePlaced, SettleRefused, SettleRejected, SettleSuspended, SettleUnknown,
		OutcomeBefore, OutcomeWritten, EvidenceWritable, EvidenceWritten, RecheckBefore, RecheckAfter,
		ScheduleBefore, ScheduleAfter, DeadLetterBefore, DeadLetterAfter, DeadLetterDeleteBefore, DeadLetterDeleteAfter,
		SuspendBefore, SuspendAfter, LiftBefore, LiftAfter, ClearLiftedBefore, ClearLiftedAfter,
		AckBefore, AckAfter, NakBefore, NakAfter,
	}
}
