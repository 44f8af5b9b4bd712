package failpoint

// Point is one step at which a worker can die.
type Point string

// A request arrives, and is decided about.
const (
	DeliveryTaken   Point = "delivery.taken"
	DeliveryBegun   Point = "delivery.begun"
	RecordRead      Point = "record.read-before"
	RecordReadDone  Point = "record.read-after"
	LookupBefore    Point = "lookup.before"
	LookupAfter     Point = "lookup.after"
	EndBefore       Point = "end.before"
	WaitBefore      Point = "wait.before"
	DecisionWritten Point = "decision.written"
	RepeatFound     Point = "repeat.found"
	ConflictFound   Point = "conflict.found"
	NamelessFound   Point = "nameless.found"
	AloneBuried     Point = "alone.buried"
	ForeignWait     Point = "foreign.wait"
	ForeignHold     Point = "foreign.hold"
	ReminderFound   Point = "reminder.found"
	ReminderHeeded  Point = "reminder.heeded"
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
	SettlePlaced     Point = "settle.placed"
	SettleRefused    Point = "settle.refused"
	SettleRejected   Point = "settle.rejected"
	SettleSuspended  Point = "settle.suspended"
	SettleUnknown    Point = "settle.unknown"
	OutcomeBefore    Point = "outcome.before"
	OutcomeWritten   Point = "outcome.written"
	ReconsiderBefore Point = "reconsider.before"
	ReconsiderAfter  Point = "reconsider.after"
)

// The effects: each is one write to the broker.
const (
	ScheduleBefore Point = "schedule.before"
	ScheduleAfter  Point = "schedule.after"
	LetterBefore   Point = "letter.before"
	LetterAfter    Point = "letter.after"
	UnburyBefore   Point = "unbury.before"
	UnburyAfter    Point = "unbury.after"
	SuspendBefore  Point = "suspend.before"
	SuspendAfter   Point = "suspend.after"
	LiftBefore     Point = "lift.before"
	LiftAfter      Point = "lift.after"
	ForgetBefore   Point = "forget.before"
	ForgetAfter    Point = "forget.after"
	LedgerBefore   Point = "ledger.before"
	LedgerAfter    Point = "ledger.after"
	PresenceBefore Point = "presence.before"
	PresenceAfter  Point = "presence.after"
	CountBefore    Point = "count.before"
	CountAfter     Point = "count.after"
	AckBefore      Point = "ack.before"
	AckAfter       Point = "ack.after"
	NakBefore      Point = "nak.before"
	NakAfter       Point = "nak.after"
)
