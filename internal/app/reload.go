package app

import (
	"context"

	"github.com/ringonce/ringonce/configs"
)

// Reload makes the worker use another configuration, which must be valid.
// Accounts are added, changed and removed without dropping calls in flight;
// other settings change only at a restart. Reload returns at once, and is safe
// for concurrent use.
func (a *App) Reload(c configs.Config) {
	for {
		select {
		case a.reloads <- c:
			return
		default:
		}
		select {
		case <-a.reloads: // superseded before it was loaded
		default:
		}
	}
}

// RejectReload reports that a configuration is invalid. The previous one stays
// in force.
func (a *App) RejectReload(err error) {
	a.metrics.Reloaded(false)
	a.metrics.ConfigInForce(false)
	a.log.Error("invalid configuration; keeping the previous one", "error", err)
}

// runReloads applies every configuration that arrives until ctx ends.
func (a *App) runReloads(ctx context.Context, s *supervisor) {
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-a.reloads:
			s.apply(ctx, next)
		}
	}
}

// apply starts, restarts and removes accounts as the configuration says.
func (s *supervisor) apply(ctx context.Context, next configs.Config) {
	var added, changed, removed []string
	for name, r := range s.runners {
		_, stays := next.Accounts[name]
		switch {
		case stays:
		case !r.removed.Load():
			removed = append(removed, name)
			r.remove()
		case r.isDone():
			delete(s.runners, name)
		}
	}
	for _, cfg := range next.SortedAccounts() {
		current := s.runners[cfg.Name]
		switch {
		case current == nil || current.removed.Load():
			added = append(added, cfg.Name)
		case current.config == cfg.Account:
			continue
		default:
			changed = append(changed, cfg.Name)
			current.stop()
		}
		s.restart(ctx, cfg, current)
	}
	pending := s.app.config.ChangedKeys(next)
	s.app.metrics.Reloaded(true)
	s.app.metrics.ConfigInForce(len(pending) == 0)
	s.app.log.Info("configuration reloaded", "added", added, "changed", changed, "removed", removed)
	if len(pending) > 0 {
		s.app.log.Warn("the configuration changes settings that need a restart", "settings", pending)
	}
}
