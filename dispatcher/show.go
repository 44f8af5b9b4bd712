package dispatcher

import "github.com/ringonce/ringonce/metrics"

// tell shows the state of the lane in the metrics.
func (l *Lane) tell() {
	now := l.cfg.Now()
	switch {
	case l.halted != nil || !l.flagsKnown || !l.linkageKnown || l.stopping:
		l.cfg.Metrics.Lane(metrics.LaneStopped)
	case l.stops.Pause != nil:
		l.cfg.Metrics.Lane(metrics.LanePaused)
	case l.stops.Suspended():
		l.cfg.Metrics.Lane(metrics.LaneSuspended)
	case l.breaker.open && (l.breaker.answers || l.breaker.probing != 0):
		l.cfg.Metrics.Lane(metrics.LaneProbing)
	case l.breaker.open:
		l.cfg.Metrics.Lane(metrics.LaneOpen)
	case now.Before(l.slowed):
		l.cfg.Metrics.Lane(metrics.LaneSlowed)
	default:
		l.cfg.Metrics.Lane(metrics.LaneRunning)
	}
}
