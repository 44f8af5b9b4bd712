package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Drift is a setting of a stream that differs from what it has to be.
type Drift struct {
	Stream string
	// Setting is empty if the stream is missing.
	Setting string
	Want    string
	Have    string
	// Impact is what the promise loses by it; empty if it is a matter of size
	// or speed.
	Impact string
	// Foreign is set if the stream only has the name, and is not ours to repair.
	Foreign bool
}

func (d Drift) String() string {
	if d.Setting == "" {
		return fmt.Sprintf("%s is missing; make it with: ringonce streams apply", d.Stream)
	}
	if d.Foreign {
		return fmt.Sprintf("%s is not ringonce's: it has the subjects %s, and ringonce needs the name for %s; %s", d.Stream, d.Have, d.Want, separate)
	}
	s := fmt.Sprintf("%s: %s is %s and should be %s", d.Stream, d.Setting, d.Have, d.Want)
	if d.Impact != "" {
		s += ": " + d.Impact
	}
	if repair := d.repair(); repair != "" {
		s += "; repair it with: " + repair
	}
	return s
}

// recordsFlags are the flags of nats stream edit that repair a setting of
// CALL_RECORDS. A setting that is not listed cannot be changed back.
var recordsFlags = map[string]string{
	"subjects": "--subjects='" + RecordsPrefix + ">'", "retention": "--retention=limits", "discard": "--discard=new",
	"discard per subject": "--no-discard-per-subject", "largest age": "--max-age=0s", "largest size": "--max-bytes=-1",
	"largest count": "--max-msgs=-1", "largest message": "--max-msg-size=-1", "messages per subject": "--max-msgs-per-subject=1",
	"acknowledgements": "--ack", "direct get": "--no-allow-direct", "roll-up": "--no-allow-rollup", "message TTL": "--allow-msg-ttl",
	"delete markers": "--subject-del-markers-ttl=0s", "subject transform": "--no-transform", "message schedules": "--no-allow-schedules",
	"purging denied": "--deny-purge", "deleting denied": "--deny-delete",
}

// repair returns the command that repairs the setting, nothing if there is none.
func (d Drift) repair() string {
	flag := recordsFlags[d.Setting]
	if d.Stream != StreamRecords || flag == "" {
		return ""
	}
	return "nats stream edit " + StreamRecords + " " + flag
}

// RepairRecords returns the commands that undo a drift of CALL_RECORDS.
func RepairRecords(found []Drift) string {
	flags := ""
	for _, d := range found {
		if flag := recordsFlags[d.Setting]; flag != "" && !strings.Contains(flags, flag) {
			flags += " " + flag
			continue
		}
		return "delete it (" + d.Setting + " cannot be changed back), make it again with: ringonce streams apply"
	}
	return "repair it with: nats stream edit " + StreamRecords + flags
}

// DescribeDrift lists differences of one stream, without what they break.
func DescribeDrift(found []Drift) string {
	var list []string
	for _, d := range found {
		list = append(list, fmt.Sprintf("%s is %s and should be %s", d.Setting, d.Have, d.Want))
	}
	return strings.Join(list, ", ")
}

// RecordsDrift lists the settings of CALL_RECORDS under which it may forget, or
// confirm what it does not keep.
func RecordsDrift(have jetstream.StreamConfig) []Drift {
	return slices.DeleteFunc(compare(Topology{}.records(), have), func(d Drift) bool { return d.Impact == "" })
}

// Check lists the drift of all streams. The error reports that the comparison could
// not be made.
func (t Topology) Check(ctx context.Context, js jetstream.JetStream) ([]Drift, error) {
	var found []Drift
	for _, want := range t.streams() {
		s, err := js.Stream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			found = append(found, Drift{Stream: want.Name})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up stream %s: %w", want.Name, ExplainJetStream(err))
		}
		found = append(found, compare(want, s.CachedInfo().Config)...)
	}
	bucket, err := checkBucket(ctx, js)
	return append(found, bucket...), err
}

func checkBucket(ctx context.Context, js jetstream.JetStream) ([]Drift, error) {
	kv, err := js.KeyValue(ctx, BucketControl)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return []Drift{{Stream: BucketControl}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up bucket %s: %w", BucketControl, err)
	}
	status, err := kv.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at bucket %s: %w", BucketControl, err)
	}
	if ttl := status.TTL(); ttl > 0 {
		return []Drift{{
			Stream: BucketControl, Setting: "time to live", Want: "none", Have: ttl.String(),
			Impact: "an account that was paused or suspended dials again by itself",
		}}, nil
	}
	if s, ok := status.(*jetstream.KeyValueBucketStatus); ok && !s.StreamInfo().Config.AllowMsgTTL {
		return []Drift{{Stream: BucketControl, Setting: "message TTL", Want: "true", Have: "false"}}, nil
	}
	return nil, nil
}

const limitsImpact = "limits across workers do not hold"

// compareLimits lists limits on streams that must have none. How large the streams of
// requests may grow is the operator's choice.
func compareLimits(want, have jetstream.StreamConfig) []Drift {
	impact := "retries and dead letters are lost when it is full"
	switch {
	case slices.Contains(RequestStreams(), want.Name):
		return nil
	case want.Name == StreamRate:
		impact = limitsImpact
	}
	if have.Discard == jetstream.DiscardNew {
		impact = "" // nothing is dialled while it is full
	}
	messageImpact := impact
	if want.Name == StreamRecords {
		messageImpact = "an outcome may not fit where its claim did"
	}
	var found []Drift
	for _, l := range []struct {
		setting string
		have    int64
		impact  string
	}{{"largest size", have.MaxBytes, impact}, {"largest count", have.MaxMsgs, impact}, {"largest message", int64(have.MaxMsgSize), messageImpact}} {
		if l.have > 0 {
			found = append(found, Drift{Stream: want.Name, Setting: l.setting, Want: "unlimited", Have: strconv.FormatInt(l.have, 10), Impact: l.impact})
		}
	}
	return found
}

func compare(want, have jetstream.StreamConfig) []Drift {
	if isForeign(want, have) {
		return []Drift{{
			Stream: want.Name, Setting: "subjects", Want: fmt.Sprint(want.Subjects), Have: fmt.Sprint(have.Subjects),
			Impact: "it is not ringonce's", Foreign: true,
		}}
	}
	var found []Drift
	differ := func(setting string, w, h any, impact string) {
		if fmt.Sprint(w) != fmt.Sprint(h) {
			found = append(found, Drift{
				Stream: want.Name, Setting: setting, Want: fmt.Sprint(w), Have: fmt.Sprint(h), Impact: impact,
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
	differ("counters", want.AllowMsgCounter, have.AllowMsgCounter, limitsImpact)
	differ("purging denied", want.DenyPurge, have.DenyPurge, purgeImpact(want.DenyPurge))
	differ("deleting denied", want.DenyDelete, have.DenyDelete, purgeImpact(want.DenyDelete))
	differ("delete markers", want.SubjectDeleteMarkerTTL, have.SubjectDeleteMarkerTTL, "a record that expired is taken for one that changed")
	differ("discard", want.Discard, have.Discard, "a full stream drops its oldest silently")
	differ("discard per subject", want.DiscardNewPerSubject, have.DiscardNewPerSubject, "what has a message already is refused")
	differ("acknowledgements", !want.NoAck, !have.NoAck, "nothing that is written is confirmed")
	differ("sealed", want.Sealed, have.Sealed, "nothing can be written")
	differ("mirror", sourceNames(want), sourceNames(have), "messages come from elsewhere")
	differ("persistence", want.PersistMode, have.PersistMode, "a restart of the broker forgets")
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

// purgeImpact is what breaks if messages may be removed, or may not.
func purgeImpact(denied bool) string {
	if denied {
		return "records or counters can vanish"
	}
	return "parked calls and dead letters cannot be taken back"
}

// sourceNames lists the streams from which this one is filled.
func sourceNames(c jetstream.StreamConfig) string {
	var names []string
	for _, source := range append(slices.Clone(c.Sources), c.Mirror) {
		if source != nil {
			names = append(names, source.Name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// transform describes how the stream renames subjects.
func transform(c jetstream.StreamConfig) string {
	if c.SubjectTransform == nil {
		return "none"
	}
	return c.SubjectTransform.Source + " to " + c.SubjectTransform.Destination
}
