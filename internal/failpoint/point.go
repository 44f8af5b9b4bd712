package failpoint

// Point is one step at which a worker can die.
type Point string

// A request arrives, and is decided about.
const (
	DeliveryFetched       Point = "delivery.taken"
	DeliveryBegun         Point = "delivery.begun"
	RecordReadBefore      Point = "record.read-before"
	RecordReadAfter       Point = "record.read-after"
	LookupBefore          Point = "lookup.before"
	LookupAfter           Point = "lookup.after"
	EndBefore             Point = "end.before"
	WaitBefore            Point = "wait.before"
	DecisionWritten       Point = "decision.written"
	DuplicateFound        Point = "repeat.found"
	ConflictFound         Point = "conflict.found"
	NoIDFound             Point = "nameless.found"
	DeadLetterOnlyWritten Point = "alone.buried"
	ClaimWaitBegun        Point = "foreign.wait"
	ClaimWaitOver         Point = "foreign.hold"
	RecoveryFound         Point = "reminder.found"
	RecoveryDone          Point = "reminder.heeded"
)

// The call is claimed, and dialled once.
const (
	ClaimBefore      Point = "claim.before"
	ClaimAfter       Point = "claim.after"
	RecordStored     Point = "record.stored"
	RecordReadBack   Point = "record.read-back"
	PostBegun        Point = "post.begun"
	ConnectBefore    Point = "connect.before"
	ConnectAfter     Point = "connect.after"
	WriteBefore      Point = "write.before"
	WriteAllowed     Point = "write.allowed"
	WriteAfter       Point = "write.after"
	ReadAfter        Point = "read.after"
	AnswerHeader     Point = "answer.header"
	AnswerRead       Point = "answer.read"
	OutcomeKnown     Point = "outcome.known"
	OutcomeObserved  Point = "outcome.observed"
	EvidenceWritable Point = "evidence.writable"
	EvidenceWritten  Point = "evidence.written"
)

// What came of it is settled.
const (
	SettlePlaced    Point = "settle.placed"
	SettleRefused   Point = "settle.refused"
	SettleRejected  Point = "settle.rejected"
	SettleSuspended Point = "settle.suspended"
	SettleUnknown   Point = "settle.unknown"
	OutcomeBefore   Point = "outcome.before"
	OutcomeWritten  Point = "outcome.written"
	RecheckBefore   Point = "reconsider.before"
	RecheckAfter    Point = "reconsider.after"
)

// The effects: each is one write to the broker.
const (
	ScheduleBefore         Point = "schedule.before"
	ScheduleAfter          Point = "schedule.after"
	DeadLetterBefore       Point = "letter.before"
	DeadLetterAfter        Point = "letter.after"
	DeadLetterDeleteBefore Point = "unbury.before"
	DeadLetterDeleteAfter  Point = "unbury.after"
	SuspendBefore          Point = "suspend.before"
	SuspendAfter           Point = "suspend.after"
	LiftBefore             Point = "lift.before"
	LiftAfter              Point = "lift.after"
	ClearLiftedBefore      Point = "forget.before"
	ClearLiftedAfter       Point = "forget.after"
	HighWaterBefore        Point = "ledger.before"
	HighWaterAfter         Point = "ledger.after"
	HeartbeatBefore        Point = "presence.before"
	HeartbeatAfter         Point = "presence.after"
	RateIncrementBefore    Point = "count.before"
	RateIncrementAfter     Point = "count.after"
	AckBefore              Point = "ack.before"
	AckAfter               Point = "ack.after"
	NakBefore              Point = "nak.before"
	NakAfter               Point = "nak.after"
)
