package main

// ofAccounts are faults in how accounts come, go and change, and in what becomes
// of the requests of those that nobody serves.
func ofAccounts() []mutant {
	return []mutant{
		{
			"one-place-ends-the-sweep", "looks after nobody behind an account whose requests cannot be read", "internal/app/orphans.go",
			"		s.last = subject\n		if err := s.endExpired(ctx, subject, s.handler(name)); err != nil && ctx.Err() == nil {\n",
			"		if err := s.endExpired(ctx, subject, s.handler(name)); err != nil {\n			return err\n",
		},
		{
			"end-what-is-served", "takes accounts that another worker serves for nobody's", "internal/app/accounts.go",
			"	served = s.flags.ServedAccounts(now)\n", "	served = map[call.Account]bool{}\n",
		},
		{
			"end-it-early", "ends the requests of an account that nobody serves at once", "internal/app/orphans.go",
			"		if time.Since(m.Since) <= h.Settings.MaxAge {\n", "		if time.Since(m.Since) <= 0*h.Settings.MaxAge {\n",
		},
		{
			"both-dial", "serves an account by its new configuration before the old one has ended", "internal/app/supervisor.go",
			"			<-predecessor.done\n			r.lane, r.directory =", "			r.lane, r.directory =",
		},
		{
			"forget-the-numbers", "forgets which numbers are linked when the configuration of an account changes", "internal/app/supervisor.go",
			"if acc.directory.CopyStateFrom(r.directory) {", "if acc.directory.CopyStateFrom(acc.directory) && false {",
		},
		{
			"forget-on-change", "forgets what the provider said when the configuration of an account changes", "internal/app/supervisor.go",
			"		if acc != nil && r.lane != nil {\n", "		if acc != nil && r.lane != nil && r.isDone() {\n",
		},
		{
			"drop-on-change", "drops what is in flight when the configuration of an account changes", "internal/app/supervisor.go",
			"			acc.run(ctx, s.workCtx)\n", "			acc.run(ctx, ctx)\n",
		},
		{
			"key-is-read-once", "takes no notice of another key in the key file", "internal/app/key.go",
			"	changed = secret.Reveal() != k.get()\n	k.current.Store(&secret)\n", "	changed = secret.Reveal() != k.get()\n",
		},
	}
}
