package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// Difference is a setting of a stream that is not as it has to be.
type Difference struct {
	Stream string
	// Setting is empty if the stream is missing.
	Setting string
	Want    string
	Have    string
	// Breaks is what the promise loses by it; empty if it is a matter of size
	// or speed.
	Breaks string
}

func (d Difference) String() string {
	if d.Setting == "" {
		return fmt.Sprintf("%s is missing; make it with: ringonce streams apply", d.Stream)
	}
	s := fmt.Sprintf("%s: %s is %s and should be %s", d.Stream, d.Setting, d.Have, d.Want)
	if d.Breaks != "" {
		s += ": " + d.Breaks
	}
	return s
}

// Check compares the streams with what they have to be. The error says that
// the comparison could not be made.
func (t Topology) Check(ctx context.Context, js jetstream.JetStream) ([]Difference, error) {
	var found []Difference
	for _, want := range t.streams() {
		s, err := js.Stream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			found = append(found, Difference{Stream: want.Name})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up stream %s: %w", want.Name, err)
		}
		found = append(found, compare(want, s.CachedInfo().Config)...)
	}
	bucket, err := checkBucket(ctx, js)
	return append(found, bucket...), err
}

func checkBucket(ctx context.Context, js jetstream.JetStream) ([]Difference, error) {
	kv, err := js.KeyValue(ctx, BucketControl)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return []Difference{{Stream: BucketControl}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up bucket %s: %w", BucketControl, err)
	}
	status, err := kv.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at bucket %s: %w", BucketControl, err)
	}
	if ttl := status.TTL(); ttl > 0 {
		return []Difference{{
			Stream: BucketControl, Setting: "time to live", Want: "none", Have: ttl.String(),
			Breaks: "an account that was paused or suspended dials again by itself",
		}}, nil
	}
	if s, ok := status.(*jetstream.KeyValueBucketStatus); ok && !s.StreamInfo().Config.AllowMsgTTL {
		return []Difference{{Stream: BucketControl, Setting: "message TTL", Want: "true", Have: "false"}}, nil
	}
	return nil, nil
}

const breaksLimits = "limits across workers do not hold"

// compareLimits looks for limits on streams that are to have none. How large
// the streams of requests may grow is the operator's to choose.
func compareLimits(want, have jetstream.StreamConfig) []Difference {
	breaks := "retries and dead letters are lost when it is full"
	switch {
	case slices.Contains(RequestStreams(), want.Name):
		return nil
	case want.Name == StreamRate:
		breaks = breaksLimits
	}
	if have.Discard == jetstream.DiscardNew {
		breaks = "" // nothing is dialled while it is full
	}
	var found []Difference
	for _, l := range []struct {
		setting string
		have    int64
	}{{"largest size", have.MaxBytes}, {"largest count", have.MaxMsgs}, {"largest message", int64(have.MaxMsgSize)}} {
		if l.have > 0 {
			found = append(found, Difference{Stream: want.Name, Setting: l.setting, Want: "unlimited", Have: strconv.FormatInt(l.have, 10), Breaks: breaks})
		}
	}
	return found
}

func compare(want, have jetstream.StreamConfig) []Difference {
	var found []Difference
	differ := func(setting string, w, h any, breaks string) {
		if fmt.Sprint(w) != fmt.Sprint(h) {
			found = append(found, Difference{
				Stream: want.Name, Setting: setting, Want: fmt.Sprint(w), Have: fmt.Sprint(h), Breaks: breaks,
			})
		}
	}
	slices.Sort(want.Subjects)
	slices.Sort(have.Subjects)
	differ("subjects", want.Subjects, have.Subjects, "messages go elsewhere")
	differ("retention", want.Retention, have.Retention, "requests are lost or kept for ever")
	differ("storage", want.Storage, have.Storage, "a restart of the broker forgets")
	differ("message schedules", want.AllowMsgSchedules, have.AllowMsgSchedules, "retries cannot be parked, or publishers can forge them")
	differ("message TTL", want.AllowMsgTTL, have.AllowMsgTTL, "records cannot expire, or publishers can make requests vanish")
	differ("roll-up", want.AllowRollup, have.AllowRollup, "a publisher can empty the stream")
	differ("direct get", want.AllowDirect, have.AllowDirect, "a record may be read from a replica that lags")
	differ("messages per subject", want.MaxMsgsPerSubject, have.MaxMsgsPerSubject, "a call may have several records")
	differ("largest age", want.MaxAge, have.MaxAge, "requests or records vanish by themselves")
	differ("counters", want.AllowMsgCounter, have.AllowMsgCounter, breaksLimits)
	differ("purging denied", want.DenyPurge, have.DenyPurge, "parked calls cannot be taken back, or counters can")
	differ("deleting denied", want.DenyDelete, have.DenyDelete, "dead letters cannot be taken back, or counters can")
	differ("delete markers", want.SubjectDeleteMarkerTTL, have.SubjectDeleteMarkerTTL, "a record that expired is taken for one that changed")
	differ("discard", want.Discard, have.Discard, "a full stream drops its oldest silently")
	differ("subject transform", transform(want), transform(have), "requests that name no priority lie where nobody pulls them")
	found = append(found, compareLimits(want, have)...)
	if have.Replicas < want.Replicas {
		differ("replicas", want.Replicas, have.Replicas, "")
	}
	if want.MaxConsumers > 0 && have.MaxConsumers < want.MaxConsumers {
		h := strconv.Itoa(have.MaxConsumers)
		if have.MaxConsumers <= 0 {
			h = "the broker's default, usually 1000"
		}
		differ("consumers", want.MaxConsumers, h, "")
	}
	if have.Duplicates > want.Duplicates {
		differ("duplicate window", want.Duplicates, have.Duplicates, "the broker forgets messages that it calls stored")
	}
	return found
}

// transform says how the stream names what it keeps.
func transform(c jetstream.StreamConfig) string {
	if c.SubjectTransform == nil {
		return "none"
	}
	return c.SubjectTransform.Source + " to " + c.SubjectTransform.Destination
}
