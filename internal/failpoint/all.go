package failpoint

// Info tells what a point is.
type Info struct {
	Point Point
	About string // what was done just before it, or is about to be
}

// All lists every point, in the order in which a request can come to them.
func All() []Info {
	return []Info{
		{HighWaterBefore, "how far the records have come is about to be written down"},
		{HighWaterAfter, "how far the records have come is written down"},
		{HeartbeatBefore, "which accounts are served is about to be said"},
		{HeartbeatAfter, "which accounts are served is said"},
		{RateIncrementBefore, "moments to call in are about to be counted"},
		{RateIncrementAfter, "moments to call in are counted, and nobody knows of them"},

		{DeliveryFetched, "a message was pulled, and not read yet"},
		{DeliveryBegun, "a request was read, and nothing was decided"},
		{RecordReadBefore, "the record is about to be read"},
		{RecordReadAfter, "the record was read, and nothing was decided"},
		{LookupBefore, "the linkage is about to be looked up"},
		{LookupAfter, "the linkage is known"},
		{EndBefore, "the request ends without a call, and nothing is written"},
		{WaitBefore, "the request waits for a time, and nothing is written"},
		{DecisionWritten, "a decided end or wait is recorded, and has no effect yet"},
		{DuplicateFound, "the request was published twice, and is not acknowledged"},
		{ConflictFound, "the id is another request's, and there is no dead letter"},
		{NoIDFound, "the request has no id, and there is no dead letter"},
		{DeadLetterOnlyWritten, "a dead letter without a record is written, and its message is not acknowledged"},
		{ClaimWaitBegun, "another worker's claim was found, and the message not handed back"},
		{ClaimWaitOver, "another worker's claim is over, and the call not yet held as unknown"},

		{ClaimBefore, "the claim is about to be written"},
		{RecordStored, "the broker has stored a record, and its version is not noted"},
		{RecordReadBack, "the broker did not confirm a record, which is about to be read back"},
		{ClaimAfter, "the call is claimed, and nothing is dialled"},
		{PostBegun, "the attempt has begun, without a connection"},
		{ConnectBefore, "the provider is about to be connected to"},
		{ConnectAfter, "the provider is connected to, and nothing is written"},
		{WriteBefore, "the request is about to be checked for the last time, and written"},
		{WriteAllowed, "the last check has passed, and nothing is written"},
		{WriteAfter, "the request is written, and no answer read"},
		{ReadAfter, "the first bytes of the answer are read"},
		{AnswerHeader, "the answer's header is known, its body is not read"},
		{AnswerRead, "the answer is read, and not judged"},
		{OutcomeKnown, "the outcome is known, and written nowhere"},
		{OutcomeObserved, "the lane knows the outcome; it is written nowhere"},

		{SettlePlaced, "the call was placed, which is not recorded"},
		{SettleRefused, "the call was refused, which is not recorded"},
		{SettleRejected, "the call was rejected, which is not recorded"},
		{SettleSuspended, "the account is suspended, and no flag says so"},
		{SettleUnknown, "the call may have rung, which is not recorded"},
		{SuspendBefore, "the suspension is about to be flagged"},
		{SuspendAfter, "the suspension is flagged, and the outcome not recorded"},
		{OutcomeBefore, "the outcome is about to be recorded"},
		{OutcomeWritten, "the outcome is recorded, and has no effect yet"},
		{EvidenceWritable, "the call was held as unknown meanwhile, and the outcome is about to be recorded"},
		{EvidenceWritten, "late evidence is recorded, and the dead letter still there"},

		{ScheduleBefore, "the schedule is about to be written"},
		{ScheduleAfter, "the schedule is written, and the message not acknowledged"},
		{DeadLetterBefore, "the dead letter is about to be written"},
		{DeadLetterAfter, "the dead letter is written, and the message not acknowledged"},
		{RecheckBefore, "an unknown call is buried, and its record about to be read once more"},
		{RecheckAfter, "the record of an unknown call was read once more"},
		{DeadLetterDeleteBefore, "a dead letter is about to be removed"},
		{DeadLetterDeleteAfter, "a dead letter is removed"},
		{LiftBefore, "a suspension is about to be lifted"},
		{LiftAfter, "a suspension is lifted"},
		{ClearLiftedBefore, "a lifted suspension is about to be forgotten"},
		{ClearLiftedAfter, "a lifted suspension is forgotten"},
		{RecoveryFound, "a reminder of late evidence has come, and nothing was done about it"},
		{RecoveryDone, "a reminder of late evidence was followed, and its message is not acknowledged"},
		{AckBefore, "the message is about to be acknowledged"},
		{AckAfter, "the message is acknowledged"},
		{NakBefore, "the message is about to be handed back"},
		{NakAfter, "the message is handed back"},
	}
}
