package rollback

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// wantFault checks the cause, and that the way out is named.
func wantFault(t *testing.T, err error, cause call.RecordsFault, words ...string) {
	t.Helper()
	var fault *FaultError
	if !errors.As(err, &fault) || fault.Fault.Cause != cause {
		t.Fatalf("got %v, want %s", err, cause)
	}
	for _, word := range append(words, "ringonce streams declare") {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

func lastCanary(b *queuetest.Broker) *jetstream.RawStreamMsg {
	b.T.Helper()
	s := brokertest.Must[jetstream.Stream](b.T)(b.JetStream().Stream(b.T.Context(), queue.StreamRecords))
	return brokertest.Must[*jetstream.RawStreamMsg](b.T)(s.GetLastMsgForSubject(b.T.Context(), "calls.records.canary"))
}

func recordsConfig(b *queuetest.Broker) jetstream.StreamConfig {
	b.T.Helper()
	return brokertest.Must[jetstream.Stream](b.T)(b.JetStream().Stream(b.T.Context(), queue.StreamRecords)).CachedInfo().Config
}

// checked returns records that hold one record and were found well.
func checked(b *queuetest.Broker) *queue.Records {
	b.T.Helper()
	r := newRecords(b)
	fill(b.T, r, "a")
	r.AdoptHighWater(brokertest.Must[queue.HighWater](b.T)(Verify(b.T.Context(), r)))
	return r
}

// TestRecordsCannotBeRemoved by those who may use JetStream's API.
func TestRecordsCannotBeRemoved(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := checked(b)
		s := brokertest.Must[jetstream.Stream](t)(b.JetStream().Stream(t.Context(), queue.StreamRecords))
		if err := s.Purge(t.Context()); err == nil {
			t.Error("it was purged")
		}
		if err := s.DeleteMsg(t.Context(), 2); err == nil {
			t.Error("a record was deleted")
		}
		b.Change(queue.StreamRecords, func(*jetstream.StreamConfig) {})
		cfg := brokertest.Must[*jetstream.StreamInfo](t)(s.Info(t.Context())).Config
		cfg.DenyPurge = false
		if _, err := b.JetStream().UpdateStream(t.Context(), cfg); err == nil {
			t.Error("purging was allowed again")
		}
		brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r))
	})
}

// TestASettingThatWasChangedAndRestored between two checks took messages away, and with them
// the canary. It stays known, to this worker, to others and after a restart, until
// an operator declares the records valid.
func TestASettingThatWasChangedAndRestored(t *testing.T) {
	for name, spoil := range map[string]func(*jetstream.StreamConfig){
		"age":       func(c *jetstream.StreamConfig) { c.MaxAge = 8 * time.Second },
		"count":     func(c *jetstream.StreamConfig) { c.MaxMsgs, c.Discard = 1, jetstream.DiscardOld },
		"size":      func(c *jetstream.StreamConfig) { c.MaxBytes, c.Discard = 100, jetstream.DiscardOld },
		"retention": func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy },
	} {
		t.Run(name, func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
				r := checked(b)
				before := recordsConfig(b)
				b.Change(queue.StreamRecords, spoil)
				<-time.After(10 * time.Second)
				b.Change(queue.StreamRecords, func(c *jetstream.StreamConfig) { *c = before })
				for range 2 {
					_, err := Verify(t.Context(), r)
					wantFault(t, err, call.RecordsCanaryLost)
				}
				if _, err := r.Put(t.Context(), claimOf(t, "b"), call.Version{}); !errors.Is(err, queue.ErrUnverified) {
					t.Errorf("a claim gets %v", err)
				}
				_, err := Inspect(t.Context(), b.Conn)
				wantFault(t, err, call.RecordsCanaryLost)

				now := time.Now()
				brokertest.Must[queue.HighWater](t)(Declare(t.Context(), b.Conn, now.Add(-time.Hour), "ann", now))
				l := brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r))
				if l.Canary.Sequence < 2 || l.ValidFrom.Before(now) {
					t.Errorf("declared %+v, with nothing left of before", l)
				}
				r.AdoptHighWater(l)
				brokertest.Must[call.Version](t)(r.Put(t.Context(), claimOf(t, "b"), call.Version{}))
			})
		})
	}
}

// TestAnotherCanary is not the one that was there: written over, or with a time to
// live of its own.
func TestAnotherCanary(t *testing.T) {
	for name, header := range map[string]nats.Header{"written over": {}, "that vanishes": {jetstream.MsgTTLHeader: {"1h"}}} {
		t.Run(name, func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
				r := checked(b)
				content := lastCanary(b).Data
				brokertest.Must[*jetstream.PubAck](t)(b.JetStream().PublishMsg(t.Context(), &nats.Msg{Subject: "calls.records.canary", Data: content, Header: header}))
				_, err := Verify(t.Context(), r)
				wantFault(t, err, call.RecordsCanaryLost)
				now := time.Now()
				brokertest.Must[queue.HighWater](t)(Declare(t.Context(), b.Conn, now, "ann", now))
				r.AdoptHighWater(brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r)))
				if m := lastCanary(b); m.Header.Get(jetstream.MsgTTLHeader) != "" {
					t.Error("the canary that was declared vanishes")
				}
			})
		})
	}
}

// TestWrongSettings are remembered from one check on, name what repairs them, and are
// not declared valid before that is done.
func TestWrongSettings(t *testing.T) {
	for _, c := range []struct {
		name, repair string
		spoil        func(*jetstream.StreamConfig)
	}{
		{"age", "--max-age=0s", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }},
		{"discard", "--discard=new", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }},
		{"discard per subject", "--no-discard-per-subject", func(c *jetstream.StreamConfig) { c.DiscardNewPerSubject = true }},
		{"subjects", "--subjects='calls.records.>'", func(c *jetstream.StreamConfig) { c.Subjects = []string{"calls.records.acme.>"} }},
		{"direct get", "--no-allow-direct", func(c *jetstream.StreamConfig) { c.AllowDirect = true }},
		{"acknowledgements", "--ack", func(c *jetstream.StreamConfig) { c.NoAck = true }},
		{"messages per subject", "--max-msgs-per-subject=1", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }},
		{"largest message", "--max-msg-size=-1", func(c *jetstream.StreamConfig) { c.MaxMsgSize = 100 }},
		{"subject transform", "--no-transform", func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "calls.records.*.*", Destination: "calls.records.x.{{wildcard(2)}}"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
				r := checked(b)
				before := recordsConfig(b)
				b.Change(queue.StreamRecords, c.spoil)
				_, err := Verify(t.Context(), r)
				wantFault(t, err, call.RecordsWrongSetting, "nats stream edit CALL_RECORDS "+c.repair, c.name)
				now := time.Now()
				if _, err := Declare(t.Context(), b.Conn, now, "ann", now); err == nil || !strings.Contains(err.Error(), c.repair) {
					t.Errorf("declaring gets %v", err)
				}
				b.Change(queue.StreamRecords, func(c *jetstream.StreamConfig) { *c = before })
				_, err = Verify(t.Context(), newRecords(b)) // as after a restart
				wantFault(t, err, call.RecordsWrongSetting)
				brokertest.Must[queue.HighWater](t)(Declare(t.Context(), b.Conn, now, "ann", now))
				brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r))
			})
		})
	}
}

// TestSealedRecords can only be made again.
func TestSealedRecords(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := checked(b)
		b.Change(queue.StreamRecords, func(c *jetstream.StreamConfig) { c.Sealed = true })
		if err := r.ProbeWrites(t.Context()); err == nil || !strings.Contains(err.Error(), "sealed") {
			t.Errorf("a write gets %v", err)
		}
		_, err := Verify(t.Context(), r)
		wantFault(t, err, call.RecordsWrongSetting, "sealed", "ringonce streams apply")
		b.Recreate(queue.StreamRecords)
		now := time.Now()
		brokertest.Must[queue.HighWater](t)(Declare(t.Context(), b.Conn, now, "ann", now))
		brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r))
	})
}

// TestAFaultIsRememberedWithoutTheBucket, which could not be written.
func TestAFaultIsRememberedWithoutTheBucket(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := checked(b)
		b.Change("KV_"+queue.BucketControl, func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1 })
		b.Change(queue.StreamRecords, func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour })
		_, err := Verify(t.Context(), r)
		wantFault(t, err, call.RecordsWrongSetting)
		b.Change("KV_"+queue.BucketControl, func(c *jetstream.StreamConfig) { c.MaxMsgSize = -1 })
		b.Change(queue.StreamRecords, func(c *jetstream.StreamConfig) { c.MaxAge = 0 })
		_, err = Verify(t.Context(), r)
		wantFault(t, err, call.RecordsWrongSetting)
	})
}

// TestAFaultIsStoredDespiteConflicts who have just written that all is well.
func TestAFaultIsStoredDespiteConflicts(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := checked(b)
		kv := brokertest.Must[jetstream.KeyValue](t)(b.JetStream().KeyValue(t.Context(), queue.BucketControl))
		before := brokertest.Must[jetstream.KeyValueEntry](t)(kv.Get(t.Context(), queue.KeyHighWater)).Value()
		b.Change(queue.StreamRecords, func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour })
		once := false
		js := &moving{b.JetStream(), func() {
			if !once {
				once = true
				brokertest.Must[uint64](t)(kv.Put(t.Context(), queue.KeyHighWater, before))
			}
		}}
		_, err := verify(t.Context(), js, r)
		wantFault(t, err, call.RecordsWrongSetting)
		b.Change(queue.StreamRecords, func(c *jetstream.StreamConfig) { c.MaxAge = 0 })
		_, err = Check(t.Context(), b.Conn)
		wantFault(t, err, call.RecordsWrongSetting)
	})
}

// TestRecreatedRecordsAreNamedSo also where a write was faster than the check: it
// got a sequence that had been given out before.
func TestRecreatedRecordsAreNamedSo(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := checked(b)
		b.Recreate(queue.StreamRecords)
		if _, err := r.Put(t.Context(), queuetest.Waiting(t, "b", time.Now()), call.Version{}); !errors.Is(err, queue.ErrRolledBack) {
			t.Errorf("a write gets %v", err)
		}
		for range 2 {
			_, err := Verify(t.Context(), r)
			wantFault(t, err, call.RecordsRecreated, "was created again")
		}
		_, err := Check(t.Context(), b.Conn)
		wantFault(t, err, call.RecordsRecreated)
	})
}

// TestALostClaim was confirmed by records that do not keep what they confirm.
func TestALostClaim(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := checked(b)
		b.Change(queue.StreamRecords, func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "calls.records.*.*", Destination: "calls.records.x.{{wildcard(2)}}"}
		})
		claim := claimOf(t, "b")
		v := brokertest.Must[call.Version](t)(r.Put(t.Context(), claim, call.Version{}))
		b.Change(queue.StreamRecords, func(c *jetstream.StreamConfig) { c.SubjectTransform = nil })
		placed := claim.MarkPlaced("n1", call.Outcome{Class: call.Placed}, time.Now())
		if _, err := r.Put(t.Context(), placed, v); !errors.Is(err, call.ErrConflict) {
			t.Errorf("the outcome gets %v", err)
		}
		_, err := Verify(t.Context(), r)
		wantFault(t, err, call.RecordsClaimLost)
	})
}

// TestRecordsThatWereNeverUsed have forgotten nothing: to repair their settings is
// enough, and the canary is written when they are first checked.
func TestRecordsThatWereNeverUsed(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		right := recordsConfig(b)
		b.DeleteStream(queue.StreamRecords)
		cfg := right
		cfg.DenyPurge, cfg.DenyDelete = false, false
		brokertest.Must[jetstream.Stream](t)(b.JetStream().CreateStream(t.Context(), cfg))
		_, err := Check(t.Context(), b.Conn)
		wantFault(t, err, call.RecordsWrongSetting, "--deny-purge", "--deny-delete")
		brokertest.Must[jetstream.Stream](t)(b.JetStream().UpdateStream(t.Context(), right))
		if l := brokertest.Must[queue.HighWater](t)(Check(t.Context(), b.Conn)); l.Canary.Sequence != 1 {
			t.Errorf("it is %+v", l)
		}
	})
}

// TestRecordsBeforeTheirCanary are gone, or could vanish unnoticed: they are not
// valid, whatever an operator says.
func TestRecordsBeforeTheirCanary(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		began := time.Now()
		<-time.After(time.Hour)
		cfg := recordsConfig(b)
		b.DeleteStream(queue.StreamRecords)
		brokertest.Must[jetstream.Stream](t)(b.JetStream().CreateStream(t.Context(), cfg))
		fill(t, newRecords(b), "a")
		_, err := Check(t.Context(), b.Conn)
		wantFault(t, err, call.RecordsCanaryLost)
		for range 2 {
			if l := brokertest.Must[queue.HighWater](t)(Declare(t.Context(), b.Conn, began, "ann", time.Now())); l.ValidFrom.Before(began.Add(time.Hour)) {
				t.Errorf("they are valid from %v on", l.ValidFrom)
			}
			brokertest.Must[queue.HighWater](t)(Check(t.Context(), b.Conn))
		}
	})
}

// The fault that stands is the first that was found; what is to be repaired now may
// be another setting.
func TestAFaultNamesThePresentDrift(t *testing.T) {
	age := queue.Drift{Stream: queue.StreamRecords, Setting: "largest age", Have: "1h0m0s", Want: "0s"}
	direct := queue.Drift{Stream: queue.StreamRecords, Setting: "direct get", Have: "true", Want: "false"}
	fault := queue.Faultf(call.RecordsWrongSetting, "was found with a wrong setting: %s", queue.DescribeDrift([]queue.Drift{age}))
	const now = "now direct get is true and should be false; repair it with: nats stream edit CALL_RECORDS --no-allow-direct"
	for _, c := range []struct {
		wrong []queue.Drift
		says  bool
	}{{nil, false}, {[]queue.Drift{age}, false}, {[]queue.Drift{direct}, true}} {
		err := &FaultError{Fault: fault, Drift: c.wrong}
		if strings.Contains(err.Error(), "now ") != c.says || c.says && !strings.Contains(err.Error(), now) {
			t.Errorf("%v: %v", c.wrong, err)
		}
	}
}
