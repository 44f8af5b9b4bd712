package app

import (
	"context"

	"github.com/ringonce/ringonce/configs"
)

// Reload has the worker go by another configuration, which must be valid:
// accounts come, go and change without dropping what is in flight. Settings
// outside of accounts stay as they are until the worker is restarted. It
// returns at once, and may be called at any time.
func (a *App) Reload(c configs.Config) {
	for {
		select {
		case a.reloads <- c:
			return
		default:
		}
		select {
		case <-a.reloads: // overtaken before anybody looked at it
		default:
		}
	}
}

// RejectReload tells that a configuration cannot be used. The one before stays
// in force.
func (a *App) RejectReload(err error) {
	a.metrics.Reloaded(false)
	a.metrics.ConfigInForce(false)
	a.log.Error("the configuration cannot be used; the one before stays in force", "error", err)
}

// runReloads takes up every configuration that comes until ctx ends.
func (a *App) runReloads(ctx context.Context, r *supervisor) {
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-a.reloads:
			r.apply(ctx, next)
		}
	}
}

// apply has the accounts of another configuration worked for.
func (r *supervisor) apply(ctx context.Context, next configs.Config) {
	var added, changed, removed []string
	for name, p := range r.runners {
		_, stays := next.Accounts[name]
		switch {
		case stays:
		case !p.removed.Load():
			removed = append(removed, name)
			p.remove()
		case p.isDone():
			delete(r.runners, name)
		}
	}
	for _, cfg := range next.SortedAccounts() {
		before := r.runners[cfg.Name]
		switch {
		case before == nil || before.removed.Load():
			added = append(added, cfg.Name)
		case before.config == cfg.Account:
			continue
		default:
			changed = append(changed, cfg.Name)
			before.stop()
		}
		r.restart(ctx, cfg, before)
	}
	later := r.app.config.ChangedKeys(next)
	r.app.metrics.Reloaded(true)
	r.app.metrics.ConfigInForce(len(later) == 0)
	r.app.log.Info("the configuration was loaded anew", "added", added, "changed", changed, "removed", removed)
	if len(later) > 0 {
		r.app.log.Warn("these settings change only when the worker is restarted", "settings", later)
	}
}
