package main

import "slices"

// mutant is one deliberate fault: in this file, this code becomes that.
type mutant struct {
	name, fault, file, old, new string
}

// mutants are the faults that would break the promise, each by another way.
func mutants() []mutant { return slices.Concat(ofCalls(), ofLanes(), ofSubjects(), ofAccounts()) }

// ofCalls are faults on the way of one call.
func ofCalls() []mutant {
	return []mutant{
		{
			"skip-the-claim", "dials without having claimed", "dispatcher/attempt.go",
			"	version, err := h.Records.Put(ctx, record, t.version)\n	if err != nil {\n		return err\n	}\n",
			"	version, err := t.version, error(nil)\n",
		},
		{
			"ignore-the-conflict", "dials although another worker won the claim", "dispatcher/attempt.go",
			"	version, err := h.Records.Put(ctx, record, t.version)\n	if err != nil {\n",
			"	version, err := h.Records.Put(ctx, record, t.version)\n	if err != nil && err != call.ErrConflict {\n",
		},
		{
			"no-expected-version", "writes records without comparing", "queue/records.go",
			"	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(expected.Sequence, 10))\n",
			"	_ = strconv.Itoa\n",
		},
		{
			"ack-first", "acknowledges before it schedules or writes a dead letter", "dispatcher/finish.go",
			"		err := h.applyEffects(ctx, e, t.body())\n", "		h.ack(t)\n		err := h.applyEffects(ctx, e, t.body())\n",
		},
		{
			"forget-the-deadline", "writes to the provider however late", "sfvopi/conn.go",
			"	if by.Passed(time.Now()) {\n",
			"	if by.For == -time.Second {\n",
		},
		{
			"retry-on-time-out", "takes a time-out for a refusal", "sfvopi/rules.go",
			"		unknown(call.TimedOut, teamDecides|feedsBreaker), \"the classic double dial\",\n",
			"		refused(call.TimedOut, feedsBreaker), \"the classic double dial\",\n",
		},
		{
			"drop-the-dead-letter", "ends requests without a dead letter", "dispatcher/effects.go",
			"	case r.State == call.StateDead:\n		return s.DeadLetters.Put(ctx, r, body)\n",
			"",
		},
		{
			"no-dead-letter-for-unknown", "holds calls as unknown without a dead letter", "dispatcher/effects.go",
			"		if err := s.DeadLetters.Put(ctx, r, body); err != nil {\n			return err\n		}\n", "",
		},
		{
			"suspension-spends", "counts a suspension as an attempt", "dispatcher/outcome.go",
			"r.Retry(nonce, o, now, late, false, now)", "r.Retry(nonce, o, now, late, true, now)",
		},
		{
			"trust-a-stale-copy", "acknowledges a copy that is behind a waiting record", "dispatcher/decide.go",
			"			return decision{act: actSchedule}\n		}\n		return decideDialable(t, f)\n",
			"			return decision{act: actAck}\n		}\n		return decideDialable(t, f)\n",
		},
		{
			"take-another-claim", "holds a call as unknown without waiting for its owner", "dispatcher/handler.go",
			"left := h.Settings.ClaimWait - h.otherClaims.age(nonce, h.Now()); left > 0",
			"left := h.Settings.ClaimWait - h.otherClaims.age(nonce, h.Now()); left > 24*time.Hour",
		},
		{
			"redial-another-claim", "claims again what another worker dials", "call/transition.go",
			"	if r.State != StateAbsent && r.State != StateWaiting {\n		return r, &TransitionError{From: r.State, To: StateDialling}\n",
			"	if r.State.Final() {\n		return r, &TransitionError{From: r.State, To: StateDialling}\n",
		},
		{
			"dial-before-its-time", "does not look at not_before", "dispatcher/decide.go",
			"	case f.now.Before(t.request.NotBefore):\n", "	case f.now.Before(t.request.NotBefore) && f.now.IsZero():\n",
		},
		{
			"dial-after-expiry", "does not look at deadlines", "dispatcher/decide.go",
			"	case !f.now.Before(deadline):\n",
			"	case !f.now.Before(deadline) && f.now.IsZero():\n",
		},
		{
			"hold-becomes-retry", "dials again what is unknown", "dispatcher/outcome.go",
			"		next, err := r.MarkUnknown(nonce, o, now)\n		return result{record: next}, err\n	default:",
			"		o.Class = call.Refused\n		return refusedRecord(r, request, nonce, o, s, now)\n	default:",
		},
		{
			"retry-at-once", "does not wait between attempts", "dispatcher/outcome.go",
			"	at := now.Add(delay)\n", "	at := now\n",
		},
		{
			"never-exhausted", "goes on after the last attempt", "dispatcher/outcome.go",
			"	if spent && r.Spent+1 >= s.Retry.MaxAttempts {\n", "	if spent && r.Spent+1 >= 1000*s.Retry.MaxAttempts {\n",
		},
		{
			"forget-to-park", "lets a refused call wait without a schedule", "dispatcher/effects.go",
			"		return s.Scheduler.Schedule(ctx, r, e.version)\n", "		return nil\n",
		},
		{
			"duplicates-are-calls", "takes a second message of an id for a copy of the first", "dispatcher/decide.go",
			"		return decision{act: actDuplicate}\n", "		return decideDialable(t, f)\n",
		},
		{
			"conflicts-are-duplicates", "forgets a request whose id is in use for another", "dispatcher/decide.go",
			"	case r.Digest != \"\" && r.Digest != t.digest:\n", "	case r.Digest == \"x\":\n",
		},
		{
			"a-read-error-is-absence", "takes a failed read for a call without a record", "queue/records.go",
			"		return call.Record{}, nil, call.Version{}, fmt.Errorf(\"read the record of a call: %w\", err)\n",
			"		return call.Record{}, nil, call.Version{Created: r.HighWater().Created}, nil\n",
		},
		{
			"due-without-version", "believes any copy that comes back from parking", "queue/message.go",
			"	d.Origin, d.Trace, d.Due = due.Record.Origin, due.Record.Trace, due\n", "	d.Origin, d.Trace = due.Record.Origin, due.Record.Trace\n",
		},
		{
			"park-early", "has a call come back before its time", "queue/scheduler.go",
			"	at := r.NextAt.Add(time.Millisecond - time.Nanosecond).UTC()\n", "	at := r.NextAt.Add(-time.Hour).UTC()\n",
		},
		{
			"dead-letters-share-a-subject", "writes all dead letters of an account onto one another", "queue/subject.go",
			"	return DeadPrefix + string(a) + \".\" + string(r) + \".\" + token\n", "	return DeadPrefix + string(a) + \".\" + string(r) + \".x\" + token[:0]\n",
		},
		{
			"late-evidence-is-dropped", "leaves a call unknown although its owner knows better", "dispatcher/outcome.go",
			"found.Nonce() == nonce && (found.State == call.StateDialling || found.State == call.StateUnknown):",
			"found.Nonce() == nonce && found.State == call.StateDialling:",
		},
		{
			"a-recovery-at-once", "has a recovery message come back before its evidence was recorded", "dispatcher/recovery.go",
			"		recovery.NextAt = h.Now().Add(h.Settings.ClaimWait)\n", "		recovery.NextAt = h.Now()\n",
		},
		{
			"forget-a-claim-early", "forgets how long it has waited for another worker before the call is held", "dispatcher/handler.go",
			"	if err := h.write(ctx, &e); err != nil {\n		return err\n	}\n	h.otherClaims.forget(nonce)\n",
			"	h.otherClaims.forget(nonce)\n	if err := h.write(ctx, &e); err != nil {\n		return err\n	}\n",
		},
		{
			"a-401-is-a-rejection", "dead-letters requests for a bad key", "sfvopi/rules.go",
			"suspended(call.Unauthorized)", "rejected(call.InvalidRequest, 0)",
		},
		{
			"dial-while-suspended", "goes on although the account is suspended", "dispatcher/lane/lane.go",
			"	return l.blocks.blocked() || l.suspension.current.InForce()\n",
			"	return l.blocks.blocked()\n",
		},
		{
			"dial-while-open", "dials what was pulled before the breaker opened", "dispatcher/lane/breaker.go",
			"return !b.open || b.isActiveProbe(p)",
			"return true",
		},
		{
			"probes-are-spent", "counts the probes of an outage as attempts of a call", "dispatcher/lane/permit.go",
			"o.Unspent = true",
			"o.Unspent = false",
		},
		{
			"nonce-reused", "uses one nonce for all claims of a worker", "internal/app/account.go",
			"Nonce: rand.Text,", "Nonce: func() string { return a.worker + rand.Text()[:0] },",
		},
		{
			"believe-a-contradiction", "redials what is refused and names a call", "sfvopi/classify.go",
			"	case p.contradicts() && (", "	case p.contradicts() && p.Status == 0 && (",
		},
		{
			"a-part-of-a-text-is-proof", "takes a few words of an error for the whole", "sfvopi/rules_conditions.go",
			"`^(?:` + strings.Join(patterns, \"|\") + `)$`", "`(?:` + strings.Join(patterns, \"|\") + `)`",
		},
		{
			"a-503-is-refused", "redials what a gateway answers after a time-out", "sfvopi/rules.go",
			"all(status(503), enveloped, hasRetryAfter)", "all(status(503), enveloped)",
		},
		{
			"a-303-suspends", "lifts by time what may have rung", "sfvopi/rules.go",
			"\"any other 3xx\", statusClass(3),\n\t\tunknown(call.Ambiguous, teamDecides)", "\"any other 3xx\", statusClass(3),\n\t\tsuspended(call.Redirected)",
		},
		{
			"what-proves-nothing-closes-the-breaker", "takes a probe that may have rung for one that went well", "dispatcher/lane/breaker.go",
			"	case o.IsAmbiguous() && !o.FeedsBreaker:\n",
			"	case o.IsAmbiguous() && !o.FeedsBreaker && !probes:\n",
		},
		{
			"twice-the-request-timeout", "lets one attempt take twice its time", "sfvopi/place.go",
			"time.Now().Add(c.requestTimeout)", "time.Now().Add(2 * c.requestTimeout)",
		},
		{
			"a-webhook-failure-is-retried", "dials again a callee who picked up", "sfvopi/rules.go",
			"rejected(call.WebhookFailed, mayHaveRung)", "refused(call.ServiceUnavailable, 0)",
		},
	}
}
