package main

// ofAccounts are faults in adding, changing and removing accounts, and in ending
// orphaned requests.
func ofAccounts() []mutant {
	return []mutant{
		{
			"one-subject-ends-the-sweep", "ends a sweep at the first subject whose requests cannot be read", "internal/app/orphans.go",
			"		s.last = subject\n		if err := s.endExpired(ctx, subject, s.handler(name)); err != nil && ctx.Err() == nil {\n",
			"		if err := s.endExpired(ctx, subject, s.handler(name)); err != nil {\n			return err\n",
		},
		{
			"end-what-is-served", "treats accounts of other workers as orphaned", "internal/app/accounts.go",
			"	served = s.flags.ServedAccounts(now)\n", "	served = map[call.Account]bool{}\n",
		},
		{
			"end-orphans-early", "ends orphaned requests at once", "internal/app/orphans.go",
			"		if time.Since(m.Since) <= h.Settings.MaxAge {\n", "		if time.Since(m.Since) <= 0*h.Settings.MaxAge {\n",
		},
		{
			"both-runners-dial", "starts the runner of a new configuration before its predecessor is done", "internal/app/supervisor.go",
			"			<-predecessor.done\n			r.lane, r.directory =", "			r.lane, r.directory =",
		},
		{
			"forget-the-numbers", "loses the linkage directory when the configuration of an account changes", "internal/app/supervisor.go",
			"if acc.directory.CopyStateFrom(r.directory) {", "if acc.directory.CopyStateFrom(acc.directory) && false {",
		},
		{
			"forget-on-change", "loses the state of the lane when the configuration of an account changes", "internal/app/supervisor.go",
			"		if acc != nil && r.lane != nil {\n", "		if acc != nil && r.lane != nil && r.isDone() {\n",
		},
		{
			"drop-on-change", "drops calls in flight when the configuration of an account changes", "internal/app/supervisor.go",
			"			acc.run(ctx, s.workCtx)\n", "			acc.run(ctx, ctx)\n",
		},
		{
			"key-is-read-once", "ignores a new key in the key file", "internal/app/key.go",
			"	changed = secret.Reveal() != k.get()\n	k.current.Store(&secret)\n", "	changed = secret.Reveal() != k.get()\n",
		},
	}
}
