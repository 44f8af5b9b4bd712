package main

// ofSubjects are faults in what a worker believes of others, and in what it
// leaves lying.
func ofSubjects() []mutant {
	return []mutant{
		{
			"believe-a-publisher", "takes a request with a record in it for one that workers wrote", "queue/message.go",
			"	if err != nil || meta.Stream != StreamParked {\n", "	if err != nil || meta.Stream != StreamParked && m.Header.Get(headerVersion) == \"\" {\n",
		},
		{
			"publishers-may-roll-up", "allows roll-ups and TTLs where publishers write", "queue/topology.go",
			"MaxMsgSize: callsMaxMessage,", "MaxMsgSize: callsMaxMessage, AllowRollup: true, AllowMsgTTL: true,",
		},
		{
			"ids-of-all-accounts", "keeps one record for an id, in whichever account", "queue/subject.go",
			"	return RecordsPrefix + string(a) + \".\" + string(id)\n", "	return RecordsPrefix + string(a)[:0] + \"all.\" + string(id)\n",
		},
		{
			"digest-of-bytes", "takes the same request in another order for another one", "call/decode.go",
			"	return r, w.digest(), err\n", "	return r, digestBytes(data), err\n",
		},
		{
			"one-sequence-for-all-queues", "takes messages of two streams for one if they have one sequence", "call/id.go",
			"	if o.Stream == \"\" {\n		return n\n", "	if o.Stream != n {\n		return n\n",
		},
		{
			"any-stream-confirms", "takes another stream's acknowledgement for that of a claim", "queue/publish.go",
			"	case ack.Stream != stream || ack.Sequence == 0:\n", "	case ack.Sequence == 0:\n",
		},
		{
			"replies-share-a-subject", "takes a late answer to a claim that was given up for that to another one", "queue/replymux.go",
			"	r.lastReply++\n", "",
		},
		{
			"a-duplicate-is-stored", "takes what the broker forgot for stored", "queue/publish.go",
			"	case ack.Duplicate:\n		return 0, errDuplicate\n", "",
		},
		{
			"no-recovery-message", "brings late evidence without a recovery message", "dispatcher/recovery.go",
			"	if hasDeadLetter(before) && next.State != before.State {\n", "	if hasDeadLetter(before) && next.State == \"\" {\n",
		},
		{
			"delete-and-forget", "deletes the dead letter of a call that came to the same end again", "dispatcher/effects.go",
			"	if err != nil || !sameDeadLetter(found, before) {\n", "	if err != nil || !sameDeadLetter(found, before) || true {\n",
		},
		{
			"an-unreadable-entry-is-not-owned", "calls a number not owned whose entry could not be read", "sfvopi/snapshot.go",
			" || s.counts.Unreadable > 0 {", " {",
		},
		{
			"dead-for-a-failed-lookup", "takes a failed look-up for a number that is not linked", "sfvopi/snapshot.go",
			"		if _, before := s.previous[from]; before || s.previous == nil || s.counts.Unreadable > 0 {\n", "		if _, before := s.previous[from]; before && s.previous == nil {\n",
		},
		{
			"outcomes-need-not-fit", "dials through a broker that accepts a claim but refuses its outcome", "internal/app/rollback.go",
			"	if err := b.conn.CheckMaxPayload(); err != nil {\n", "	if err := b.conn.CheckMaxPayload(); false {\n",
		},
		{
			"a-refusal-sticks", "takes an earlier refusal of an acknowledgement for what holds now", "queue/pull/ackpermission.go",
			"	if after != before && refused ", "	if (after != before || true) && refused ",
		},
		{
			"rely-on-any-schedule", "lets the audit rely on a schedule that the broker did not carry out", "queue/admin/audit.go",
			"HasSchedule(ctx, r, earliest)", "HasSchedule(ctx, r, time.Time{})",
		},
	}
}
