package queue

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
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

// checked returns records that hold one record and were found well.
func (b *broker) checked() *Records {
	b.t.Helper()
	r := must[*Records](b.t)(b.NewRecords(b.t.Context(), Retention{}, func() {}))
	r.fill(b.t, "a")
	r.AdoptHighWater(must[HighWater](b.t)(r.Verify(b.t.Context())))
	return r
}

// TestRecordsCannotBeRemoved by those who may use JetStream's API.
func TestRecordsCannotBeRemoved(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.checked()
		s := must[jetstream.Stream](t)(b.JetStream().Stream(t.Context(), StreamRecords))
		if err := s.Purge(t.Context()); err == nil {
			t.Error("it was purged")
		}
		if err := s.DeleteMsg(t.Context(), 2); err == nil {
			t.Error("a record was deleted")
		}
		b.change(StreamRecords, func(*jetstream.StreamConfig) {})
		cfg := must[*jetstream.StreamInfo](t)(s.Info(t.Context())).Config
		cfg.DenyPurge = false
		if _, err := b.JetStream().UpdateStream(t.Context(), cfg); err == nil {
			t.Error("purging was allowed again")
		}
		must[HighWater](t)(r.Verify(t.Context()))
	})
}

// TestWhatWasSetAndPutBack between two checks took messages away, and with them
// the canary. It stays known, to this worker, to others and after a restart, until
// an operator declares the records valid.
func TestWhatWasSetAndPutBack(t *testing.T) {
	for name, spoil := range map[string]func(*jetstream.StreamConfig){
		"age":       func(c *jetstream.StreamConfig) { c.MaxAge = 8 * time.Second },
		"count":     func(c *jetstream.StreamConfig) { c.MaxMsgs, c.Discard = 1, jetstream.DiscardOld },
		"size":      func(c *jetstream.StreamConfig) { c.MaxBytes, c.Discard = 100, jetstream.DiscardOld },
		"retention": func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy },
	} {
		t.Run(name, func(t *testing.T) {
			withBroker(t, func(t *testing.T, b *broker) {
				r := b.checked()
				before := must[jetstream.Stream](t)(b.JetStream().Stream(t.Context(), StreamRecords)).CachedInfo().Config
				b.change(StreamRecords, spoil)
				<-time.After(10 * time.Second)
				b.change(StreamRecords, func(c *jetstream.StreamConfig) { *c = before })
				for range 2 {
					_, err := r.Verify(t.Context())
					wantFault(t, err, call.RecordsCanaryLost)
				}
				if _, err := r.Put(t.Context(), claimOf(t, "b"), call.Version{}); !errors.Is(err, ErrUnverified) {
					t.Errorf("a claim gets %v", err)
				}
				_, err := b.InspectHighWater(t.Context())
				wantFault(t, err, call.RecordsCanaryLost)

				now := time.Now()
				must[HighWater](t)(b.DeclareRecords(t.Context(), now.Add(-time.Hour), "ann", now))
				l := must[HighWater](t)(r.Verify(t.Context()))
				if l.Canary.Sequence < 2 || l.ValidFrom.Before(now) {
					t.Errorf("declared %+v, with nothing left of before", l)
				}
				r.AdoptHighWater(l)
				must[call.Version](t)(r.Put(t.Context(), claimOf(t, "b"), call.Version{}))
			})
		})
	}
}

// TestAnotherCanary is not the one that was there: written over, or with a time to
// live of its own.
func TestAnotherCanary(t *testing.T) {
	for name, header := range map[string]nats.Header{"written over": {}, "that vanishes": {jetstream.MsgTTLHeader: {"1h"}}} {
		t.Run(name, func(t *testing.T) {
			withBroker(t, func(t *testing.T, b *broker) {
				r := b.checked()
				content := b.last(StreamRecords, canarySubject).Data
				must[*jetstream.PubAck](t)(b.JetStream().PublishMsg(t.Context(), &nats.Msg{Subject: canarySubject, Data: content, Header: header}))
				_, err := r.Verify(t.Context())
				wantFault(t, err, call.RecordsCanaryLost)
				now := time.Now()
				must[HighWater](t)(b.DeclareRecords(t.Context(), now, "ann", now))
				r.AdoptHighWater(must[HighWater](t)(r.Verify(t.Context())))
				if m := b.last(StreamRecords, canarySubject); m.Header.Get(jetstream.MsgTTLHeader) != "" {
					t.Error("the canary that was declared vanishes")
				}
			})
		})
	}
}

// TestWrongSettings are remembered from one check on, name what mends them, and are
// not declared valid before that is done.
func TestWrongSettings(t *testing.T) {
	for _, c := range []struct {
		name, mend string
		spoil      func(*jetstream.StreamConfig)
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
			withBroker(t, func(t *testing.T, b *broker) {
				r := b.checked()
				before := must[jetstream.Stream](t)(b.JetStream().Stream(t.Context(), StreamRecords)).CachedInfo().Config
				b.change(StreamRecords, c.spoil)
				_, err := r.Verify(t.Context())
				wantFault(t, err, call.RecordsWrongSetting, "nats stream edit CALL_RECORDS "+c.mend, c.name)
				now := time.Now()
				if _, err := b.DeclareRecords(t.Context(), now, "ann", now); err == nil || !strings.Contains(err.Error(), c.mend) {
					t.Errorf("declaring gets %v", err)
				}
				b.change(StreamRecords, func(c *jetstream.StreamConfig) { *c = before })
				_, err = must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {})).Verify(t.Context()) // as after a restart
				wantFault(t, err, call.RecordsWrongSetting)
				must[HighWater](t)(b.DeclareRecords(t.Context(), now, "ann", now))
				must[HighWater](t)(r.Verify(t.Context()))
			})
		})
	}
}

// TestSealedRecords can only be made again.
func TestSealedRecords(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.checked()
		b.change(StreamRecords, func(c *jetstream.StreamConfig) { c.Sealed = true })
		if err := r.ProbeWrites(t.Context()); err == nil || !strings.Contains(err.Error(), "sealed") {
			t.Errorf("a write gets %v", err)
		}
		_, err := r.Verify(t.Context())
		wantFault(t, err, call.RecordsWrongSetting, "sealed", "ringonce streams apply")
		b.recreate(StreamRecords)
		now := time.Now()
		must[HighWater](t)(b.DeclareRecords(t.Context(), now, "ann", now))
		must[HighWater](t)(r.Verify(t.Context()))
	})
}

// TestAFaultIsKnownWithoutTheBucket, which could not be written.
func TestAFaultIsKnownWithoutTheBucket(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.checked()
		b.change("KV_"+BucketControl, func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1 })
		b.change(StreamRecords, func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour })
		_, err := r.Verify(t.Context())
		wantFault(t, err, call.RecordsWrongSetting)
		b.change("KV_"+BucketControl, func(c *jetstream.StreamConfig) { c.MaxMsgSize = -1 })
		b.change(StreamRecords, func(c *jetstream.StreamConfig) { c.MaxAge = 0 })
		_, err = r.Verify(t.Context())
		wantFault(t, err, call.RecordsWrongSetting)
	})
}

// TestAFaultIsWrittenDownBesideOthers who have just written that all is well.
func TestAFaultIsWrittenDownBesideOthers(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.checked()
		kv := must[jetstream.KeyValue](t)(b.JetStream().KeyValue(t.Context(), BucketControl))
		before := must[jetstream.KeyValueEntry](t)(kv.Get(t.Context(), KeyHighWater)).Value()
		b.change(StreamRecords, func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour })
		once := false
		r.js = &moving{r.js, func() {
			if !once {
				once = true
				must[uint64](t)(kv.Put(t.Context(), KeyHighWater, before))
			}
		}}
		_, err := r.Verify(t.Context())
		wantFault(t, err, call.RecordsWrongSetting)
		b.change(StreamRecords, func(c *jetstream.StreamConfig) { c.MaxAge = 0 })
		_, err = b.CheckHighWater(t.Context())
		wantFault(t, err, call.RecordsWrongSetting)
	})
}

// TestRecordsMadeAgainAreNamedSo also where a write was faster than the check: it
// got a sequence that had been given out before.
func TestRecordsMadeAgainAreNamedSo(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.checked()
		b.recreate(StreamRecords)
		if _, err := r.Put(t.Context(), waiting(t, "b", time.Now()), call.Version{}); !errors.Is(err, ErrRolledBack) {
			t.Errorf("a write gets %v", err)
		}
		for range 2 {
			_, err := r.Verify(t.Context())
			wantFault(t, err, call.RecordsRecreated, "was made anew")
		}
		_, err := b.CheckHighWater(t.Context())
		wantFault(t, err, call.RecordsRecreated)
	})
}

// TestAClaimThatIsGone was confirmed by records that do not keep what they confirm.
func TestAClaimThatIsGone(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.checked()
		b.change(StreamRecords, func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "calls.records.*.*", Destination: "calls.records.x.{{wildcard(2)}}"}
		})
		claim := claimOf(t, "b")
		v := must[call.Version](t)(r.Put(t.Context(), claim, call.Version{}))
		b.change(StreamRecords, func(c *jetstream.StreamConfig) { c.SubjectTransform = nil })
		placed := claim.MarkPlaced("n1", call.Outcome{Class: call.Placed}, time.Now())
		if _, err := r.Put(t.Context(), placed, v); !errors.Is(err, call.ErrConflict) {
			t.Errorf("the outcome gets %v", err)
		}
		_, err := r.Verify(t.Context())
		wantFault(t, err, call.RecordsClaimLost)
	})
}

// TestRecordsThatWereNeverUsed have forgotten nothing: to mend their settings is
// enough, and the canary is written when they are first checked.
func TestRecordsThatWereNeverUsed(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		if err := b.JetStream().DeleteStream(t.Context(), StreamRecords); err != nil {
			t.Fatal(err)
		}
		cfg := (Topology{Replicas: 1}).records()
		cfg.DenyPurge, cfg.DenyDelete = false, false
		must[jetstream.Stream](t)(b.JetStream().CreateStream(t.Context(), cfg))
		_, err := b.CheckHighWater(t.Context())
		wantFault(t, err, call.RecordsWrongSetting, "--deny-purge", "--deny-delete")
		must[jetstream.Stream](t)(b.JetStream().UpdateStream(t.Context(), (Topology{Replicas: 1}).records()))
		if l := must[HighWater](t)(b.CheckHighWater(t.Context())); l.Canary.Sequence != 1 {
			t.Errorf("it is %+v", l)
		}
	})
}

// TestRecordsBeforeTheirCanary are gone, or could vanish unnoticed: they are not
// valid, whatever an operator says.
func TestRecordsBeforeTheirCanary(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		began := time.Now()
		<-time.After(time.Hour)
		if err := b.JetStream().DeleteStream(t.Context(), StreamRecords); err != nil {
			t.Fatal(err)
		}
		must[jetstream.Stream](t)(b.JetStream().CreateStream(t.Context(), (Topology{Replicas: 1}).records()))
		must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {})).fill(t, "a")
		_, err := b.CheckHighWater(t.Context())
		wantFault(t, err, call.RecordsCanaryLost)
		for range 2 {
			if l := must[HighWater](t)(b.DeclareRecords(t.Context(), began, "ann", time.Now())); l.ValidFrom.Before(began.Add(time.Hour)) {
				t.Errorf("they are valid from %v on", l.ValidFrom)
			}
			must[HighWater](t)(b.CheckHighWater(t.Context()))
		}
	})
}

// The fault that stands is the first that was found; what is to be mended now may
// be another setting.
func TestAFaultNamesWhatIsWrongNow(t *testing.T) {
	age := Drift{Stream: StreamRecords, Setting: settingAge, Have: "1h0m0s", Want: "0s"}
	direct := Drift{Stream: StreamRecords, Setting: settingDirect, Have: "true", Want: "false"}
	fault := Faultf(call.RecordsWrongSetting, "was found with a wrong setting: %s", DescribeDrift([]Drift{age}))
	const now = "now direct get is true and should be false; mend it with: nats stream edit CALL_RECORDS --no-allow-direct"
	for _, c := range []struct {
		wrong []Drift
		says  bool
	}{{nil, false}, {[]Drift{age}, false}, {[]Drift{direct}, true}} {
		err := &FaultError{Fault: fault, Drift: c.wrong}
		if strings.Contains(err.Error(), "now ") != c.says || c.says && !strings.Contains(err.Error(), now) {
			t.Errorf("%v: %v", c.wrong, err)
		}
	}
}
