package queue

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestApplyMakesWhatIsMissingAndNothingElse(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		topology := Topology{Replicas: 1}
		check := func(want ...string) {
			t.Helper()
			found, err := topology.Check(t.Context(), b.JetStream())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range found {
				got = append(got, d.Stream+" "+d.Setting)
			}
			if !slices.Equal(got, want) {
				t.Errorf("differences %q, want %q", got, want)
			}
		}
		check()
		if made, err := topology.Apply(t.Context(), b.JetStream()); err != nil || len(made) > 0 {
			t.Errorf("a second time it makes %q, %v", made, err)
		}
		for _, stream := range []string{StreamDead, "KV_" + BucketControl} {
			if err := b.JetStream().DeleteStream(t.Context(), stream); err != nil {
				t.Fatal(err)
			}
		}
		check(StreamDead+" ", BucketControl+" ")
		if made, err := topology.Apply(t.Context(), b.JetStream()); err != nil || !slices.Equal(made, []string{StreamDead, BucketControl}) {
			t.Errorf("it makes %q, %v", made, err)
		}
		check()
		cfg := topology.control()
		cfg.TTL = time.Hour
		must[jetstream.KeyValue](t)(b.JetStream().UpdateKeyValue(t.Context(), cfg))
		check(BucketControl + " time to live")
	})
}

// TestCheckNamesEveryDangerousDrift spoils one setting of a stream after
// the other.
func TestCheckNamesEveryDangerousDrift(t *testing.T) {
	for _, c := range []struct {
		stream, setting string
		spoil           func(*jetstream.StreamConfig)
		harmless        bool
	}{
		{StreamCalls, "message schedules", func(c *jetstream.StreamConfig) { c.AllowMsgSchedules, c.AllowRollup = true, true }, false},
		{StreamCalls, "roll-up", func(c *jetstream.StreamConfig) { c.AllowRollup = true }, false},
		{StreamCalls, "message TTL", func(c *jetstream.StreamConfig) { c.AllowMsgTTL = true }, false},
		{StreamCalls, "discard", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, false},
		{StreamCalls, "largest age", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, false},
		{StreamCalls, "retention", func(c *jetstream.StreamConfig) { c.Retention = jetstream.LimitsPolicy }, false},
		{StreamCalls, "storage", func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, false},
		{StreamCalls, "subjects", func(c *jetstream.StreamConfig) { c.Subjects = []string{"calls.requests.acme"} }, false},
		{StreamCalls, "duplicate window", func(c *jetstream.StreamConfig) { c.Duplicates = 2 * time.Minute }, false},
		{StreamCalls, "subject transform", func(c *jetstream.StreamConfig) { c.SubjectTransform = nil }, false},
		{StreamCalls, "subject transform", func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "calls.requests.>", Destination: "calls.requests.acme"}
		}, false},
		{StreamRecords, "subject transform", func(c *jetstream.StreamConfig) { c.SubjectTransform = addNormalPriority() }, false},
		{StreamRecords, "direct get", func(c *jetstream.StreamConfig) { c.AllowDirect = true }, false},
		{StreamRecords, "messages per subject", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 2 }, false},
		{StreamRecords, "message TTL", func(c *jetstream.StreamConfig) { c.AllowMsgTTL = false }, false},
		{StreamRecords, "largest age", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, false},
		{StreamRecords, "discard", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, false},
		{StreamRecords, "largest size", func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }, true},
		{StreamRecords, "delete markers", func(c *jetstream.StreamConfig) { c.SubjectDeleteMarkerTTL = time.Hour }, false},
		{StreamParked, "message schedules", func(c *jetstream.StreamConfig) { c.AllowMsgSchedules = false }, false},
		{StreamParked, "largest size", func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }, false},
		{StreamParked, "largest count", func(c *jetstream.StreamConfig) { c.MaxMsgs = 10 }, false},
		{StreamCalls, "consumers", func(c *jetstream.StreamConfig) { c.MaxConsumers = -1 }, true},
		{StreamParked, "consumers", func(c *jetstream.StreamConfig) { c.MaxConsumers = 100 }, true},
		{StreamDead, "largest size", func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }, false},
		{StreamDead, "largest message", func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1 << 10 }, false},
	} {
		t.Run(c.stream+" "+c.setting, func(t *testing.T) {
			for _, want := range (Topology{Replicas: 1}).streams() {
				if want.Name != c.stream {
					continue
				}
				have := want
				have.Subjects = slices.Clone(want.Subjects)
				have.MaxBytes, have.MaxMsgs = orUnlimited(want.MaxBytes), orUnlimited(want.MaxMsgs)
				if same := compare(want, have); len(same) > 0 {
					t.Fatalf("the same differs: %v", same)
				}
				c.spoil(&have)
				found := compare(want, have)
				i := slices.IndexFunc(found, func(d Drift) bool { return d.Setting == c.setting })
				if i < 0 {
					t.Fatalf("found only %v", found)
				}
				if (found[i].Impact == "") != c.harmless || !strings.Contains(found[i].String(), c.stream+": "+c.setting) {
					t.Errorf("it says %q", found[i])
				}
			}
		})
	}
}

func orUnlimited(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

// TestAnUnreachableBrokerIsNoDrift makes an error of a broker that is away.
func TestAnUnreachableBrokerIsNoDrift(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		b.Stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if found, err := (Topology{Replicas: 1}).Check(ctx, b.JetStream()); err == nil || len(found) > 0 {
			t.Errorf("found %v, %v", found, err)
		}
		if made, err := (Topology{Replicas: 1}).Apply(ctx, b.JetStream()); err == nil || len(made) > 0 {
			t.Errorf("made %q, %v", made, err)
		}
	})
}

// TestAFullQueueIsThePublishersError and loses nothing.
func TestAFullQueueIsThePublishersError(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		for _, cfg := range (Topology{Replicas: 1}).streams() {
			if cfg.Name == StreamCalls {
				cfg.MaxBytes = 1 << 10
				must[jetstream.Stream](t)(b.JetStream().UpdateStream(t.Context(), cfg))
			}
		}
		body := []byte(strings.Repeat("x", 600))
		if err := b.NewPublisher().Publish(t.Context(), "acme", "", body, ""); err != nil {
			t.Fatal(err)
		}
		if err := b.NewPublisher().Publish(t.Context(), "acme", "", body, ""); err == nil {
			t.Error("a full queue took it")
		}
		b.holds(StreamCalls, "calls.requests.acme.normal")
	})
}
