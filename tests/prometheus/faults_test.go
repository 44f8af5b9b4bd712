package prometheus_test

import (
	"syscall"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// fault causes an alert with real workers.
type fault struct {
	alert string
	label string // that the alert carries, with its value: account=down
	after *fault // over before this one begins; nil is none
	begin func()
	goOn  func() // called again and again until end; may be nil
	end   func()

	began, fired, ended, over bool
}

func (f *fault) String() string { return f.alert + " of " + f.label }

// faults lists one or more faults for each alert.
func (s *stage) faults() []*fault {
	none := &fault{
		alert: "RingonceNoMetrics", label: "account=", begin: func() {}, end: s.startWorkers,
	}
	refused := &fault{
		alert: "RingonceConfigNotInForce", label: "instance=" + s.address,
		begin: func() { s.configure("accounts: {down: {api_key: ") },
		end:   func() { s.configure(s.config()) },
	}
	silent := &fault{
		alert: "RingonceAckPermissionMissing", label: "instance=" + s.silentAddress,
		begin: func() {}, end: func() {}, // with the next
	}
	unwritten := &fault{alert: "RingonceRecordsFault", label: "account=", begin: func() {}, end: func() { s.permit() }}
	unready := &fault{alert: "RingonceWorkerNotReady", label: "instance=" + s.silentAddress, begin: func() {}, end: func() {}}
	all := []*fault{
		none, refused, silent, unwritten, unready,
		{
			alert: "RingonceWorkerNotReady", label: "instance=" + s.silentAddress, after: unready,
			begin: func() {
				s.silent.Signal(syscall.SIGSTOP)
				s.silent.Await()
			},
			end: func() { s.silent.Signal(syscall.SIGCONT) },
		},
		{
			// The breaker opens; its probes are attempts.
			alert: "RingonceQueueNotDraining", label: "account=down",
			begin: func() {
				s.strike(simulator.Rule{Name: "down", Fault: "service_temporarily_unavailable", Organisation: "down"})
				s.publish("down", 30, "")
			},
			end: func() { s.heal("down") },
		},
		{
			alert: "RingonceQueueNotDraining", label: "account=", after: refused,
			begin: func() { s.publish("late", 3, "") },
			end:   func() { s.configure(s.config("late")) },
		},
		{
			// One call per second, as configured.
			alert: "RingonceOldestRequestTooOld", label: "account=slow",
			begin: func() { s.publish("slow", 40, "") }, end: func() {},
		},
		{
			alert: "RingonceAccountSuspended", label: "account=locked",
			begin: func() {
				s.key("locked", "another")
				s.publish("locked", 1, "")
			},
			end: func() { s.key("locked", "locked-key") },
		},
		{
			alert: "RingonceProviderRefusing", label: "account=refused",
			begin: func() {
				s.strike(simulator.Rule{Name: "refused", Fault: "initiate_failed", Organisation: "refused", Rate: 0.7})
			},
			goOn: func() { s.publish("refused", 1, "") },
			end:  func() { s.heal("refused") },
		},
		{
			alert: "RingonceUnknownOutcomes", label: "account=vague",
			begin: func() { s.publish("vague", 2, simulator.MagicCallee("success_uuid_missing", 0)) },
			end:   func() { s.resolve("vague", 2) },
		},
		{
			alert: "RingonceDeadLettersRising", label: "account=wrong",
			begin: func() {},
			goOn:  func() { s.publish("wrong", 1, simulator.MagicCallee("bad_request", 0)) },
			end:   func() {},
		},
		{
			alert: "RingonceLinkageStale", label: "account=blind",
			begin: func() {
				s.strike(simulator.Rule{Name: "blind", Fault: "get_apps_failed", Organisation: "blind", On: simulator.Lookups})
			},
			end: func() {
				s.heal("blind")
				s.publishFrom("blind", "+912071539999", "") // not in the directory: it is fetched again
			},
		},
	}
	for _, f := range all[1:] {
		if f.after == nil {
			f.after = none
		}
	}
	return all
}
