package main

// ofLanes are faults in what an account may dial, and in which order.
func ofLanes() []mutant {
	return []mutant{
		{
			"dial-while-paused", "goes on although the account is paused", "dispatcher/lane/blocks.go",
			"!b.linkageKnown || b.pause != nil\n",
			"!b.linkageKnown\n",
		},
		{
			"dial-a-paused-number", "goes on although the caller ID is paused", "dispatcher/lane/blocks.go",
			"	return pause.Since, paused\n",
			"	return pause.Since, paused && false\n",
		},
		{
			"dial-past-a-stop", "writes to the provider although a stop came after the claim", "dispatcher/lane/blocks.go",
			"	return paused || b.halted != nil",
			"	return paused && b.halted != nil",
		},
		{
			"limit-ignored", "dials as fast as it can", "dispatcher/lane/pacer.go",
			"	p := pacer{perSecond: perSecond, ",
			"	p := pacer{perSecond: 0 * perSecond, ",
		},
		{
			"slots-of-others", "takes all slots of a window, not only its own", "queue/ratelimit/account.go",
			"	for i := max(value-add, past); i < min(value, all); i++ {", "	for i := max(0*value, past); i < min(value, all); i++ {",
		},
		{
			"retry-after-ignored", "goes on although the provider asked for a pause", "dispatcher/lane/blocks.go",
			"	if !until.After(b.throttledUntil) {\n",
			"	if !until.After(b.throttledUntil) || !until.IsZero() {\n",
		},
		{
			"a-resumption-ignored", "waits on although an operator resumed the account", "dispatcher/lane/blocks.go",
			"		b.throttledUntil = time.Time{}\n",
			"		_ = b.throttledUntil\n",
		},
		{
			"an-old-resumption-counts", "goes on although the provider asked it to wait after it was resumed", "dispatcher/lane/blocks.go",
			"flags.ResumeRevision != 0 && flags.ResumeRevision != b.resumeRevision {",
			"flags.ResumeRevision != 0 {",
		},
		{
			"any-probe-counts", "takes a probe from before the breaker closed for the one that is under way", "dispatcher/lane/breaker.go",
			"return p != 0 && p == b.activeProbe }",
			"return p != 0 && b.activeProbe != 0 }",
		},
		{
			"slots-without-end", "dials more calls at once than it may", "dispatcher/lane/lane.go",
			"postSlots: make(chan struct{}, cfg.Concurrency)",
			"postSlots: make(chan struct{}, 1000*cfg.Concurrency)",
		},
		{
			"a-lost-suspension-flag", "lets an older flag lift its own suspension", "dispatcher/lane/suspension.go",
			"	if s.flagPending && flag.Since.Before(own.Since) && !takenOver {",
			"	if s.flagPending && own.Since.IsZero() && !takenOver {",
		},
		{
			"a-flag-is-tried-once", "never again writes the flag of a suspension that could not be written", "dispatcher/lane/flag.go",
			"			return l.suspension.scheduleFlagRetry(s, now.Add(flagRetryDelay))\n",
			"			_ = flagRetryDelay\n			return false\n",
		},
		{
			"the-lesser-suspension-wins", "replaces a suspension that has to last by one that a probe lifts", "queue/control/suspension.go",
			"			return s, s.Supersedes(found)\n", "			return s, true\n",
		},
		{
			"overrun-the-broker", "pulls although the broker is behind with acknowledgements", "queue/pull/consumer.go",
			"		c.shared.throttle.wait(ctx)\n", "",
		},
		{
			"close-what-was-opened", "closes the inbox of an account that was opened at the same time", "queue/pull/inbox.go",
			"func (b *inbox) closeIfIdle() { b.closeIf(func() bool { return b.idleAt == b.openCount }) }\n",
			"func (b *inbox) closeIfIdle() {\n	b.mu.Lock()\n	idle := b.idleAt == b.openCount\n	b.mu.Unlock()\n	if idle {\n		b.close()\n	}\n}\n",
		},
		{
			"bulk-goes-first", "asks the least pressing priority first", "queue/pull/fairshare.go",
			"	for rank := range priorities {\n		requests = append(requests, request{rank, n})", "	for rank := range priorities {\n		requests = append(requests, request{priorities - 1 - rank, n})",
		},
		{
			"bulk-starves", "gives the lower priorities no share", "queue/pull/fairshare.go",
			"		f.deficit[other] += float64(n) * f.share\n", "		f.deficit[other] += 0 * float64(n) * f.share\n",
		},
		{
			"dial-on-older-records", "dials although the records were rolled back", "internal/app/rollback.go",
			"	if errors.As(err, &fault) {\n		m.halt(err)\n", "	if errors.As(err, &fault) {\n",
		},
		{
			"open-while-disconnected", "lets lanes continue after a check whose connection was lost", "internal/app/rollback.go",
			"	if !m.down {\n		m.halt(nil)\n	}\n", "	m.halt(nil)\n",
		},
		{
			"note-the-connection-late", "takes the connection after a check for the one that was verified", "queue/rollback/check.go",
			"	generation := conn.Generation()\n	mark, err := check(ctx, js, records.HighWater(), records.LostClaim())\n",
			"	mark, err := check(ctx, js, records.HighWater(), records.LostClaim())\n	generation := conn.Generation()\n",
		},
		{
			"ignore-leaving-peers", "learns nothing from a worker that leaves", "queue/rollback/gossip.go",
			"	g.records.MergeHighWater(r.HighWater)\n", "	if !r.Leaving {\n		g.records.MergeHighWater(r.HighWater)\n	}\n",
		},
		{
			"overlook-a-wrong-setting", "goes on although the records may vanish by a setting", "queue/rollback/check.go",
			"	case len(stream.drift) > 0:\n		return queue.Faultf", "	case len(stream.drift) < 0:\n		return queue.Faultf",
		},
		{
			"overlook-a-lost-canary", "goes on although something removed messages from the records", "queue/rollback/check.go",
			"	case stream.canary.Sequence == 0, stream.canary.Canary != mark.Canary:\n", "	case false:\n",
		},
		{
			"take-any-canary", "takes a canary that was written again for the one that was there", "queue/rollback/check.go",
			"stream.canary.Canary != mark.Canary:\n", "stream.canary.Content != mark.Canary.Content:\n",
		},
		{
			"fixing-a-setting-is-enough", "forgets that the records may have forgotten, once a setting is repaired", "queue/rollback/check.go",
			"		mark.Fault = fault\n", "		_ = fault\n",
		},
		{
			"overlook-a-lost-claim", "goes on although a claim that was confirmed is gone", "queue/highwater.go",
			"	if lost {\n		t.lost, t.verified", "	if lost && expected.Sequence == 0 {\n		t.lost, t.verified",
		},
		{
			"overlook-a-recreated-bucket", "watches a recreated control bucket as if it was the same", "queue/control/watch.go",
			"			} else if !now.Created.Equal(created) {\n", "			} else if now.Created.IsZero() && created.IsZero() {\n",
		},
		{
			"overlook-a-broken-flag", "goes on although a control flag cannot be read", "queue/control/watch.go",
			"			} else if err := flags.apply(entry); err != nil {\n				return err\n			} else {\n",
			"			} else {\n				_ = flags.apply(entry)\n",
		},
		{
			"pauses-go-with-the-bucket", "resumes what was paused when the control bucket is recreated", "queue/control/flagbackup.go",
			"	if b.created.IsZero() || b.created.Equal(created) || len(b.values) == 0 {\n", "	if b.created.Before(created) || len(b.values) == 0 {\n",
		},
		{
			"believe-lost-counters", "counts calls per second on although the counters began again", "queue/ratelimit/limiter.go",
			"	if sequence <= s.sequence || l.conn.Generation() != s.generation {\n", "	if l.conn == nil {\n",
		},
		{
			"claim-over-any-connection", "claims over a connection on which the records were not verified", "queue/records.go",
			"			return call.Version{}, ErrUnverified\n", "			_ = ErrUnverified\n",
		},
		{
			"skip-missing-peers", "verifies the records over a new connection without the peers that know more", "queue/rollback/gossip.go",
			"		case len(missing) == 0:\n", "		case true:\n",
		},
		{
			"believe-an-old-rewrite", "takes an unchanged record for its rewrite that was not stored", "queue/records.go",
			"version.Sequence > expected.Sequence &&\n		(record.State", "version.Sequence > 0 &&\n		(record.State",
		},
		{
			"blame-what-was-declared", "takes a write from before a declaration for evidence against the records declared valid", "queue/highwater.go",
			"	case !t.mark.SameEpoch(before):\n", "	case false:\n",
		},
	}
}
