package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// Limits of the streams, chosen so that what workers write always fits.
const (
	// callsMaxMessage refuses what could not be kept whole in a dead letter.
	// A request has at most 16 KiB; what lies between ends as malformed.
	callsMaxMessage = 512 << 10
	// minDuplicateWindow is the shortest that the broker allows: within it the
	// broker would answer "stored" and forget the message.
	minDuplicateWindow = 100 * time.Millisecond
	// rateMaxAge is longer than any worker reserves ahead.
	rateMaxAge = 10 * time.Second
	// maxConsumers exceeds the broker's default of 1,000: an account has one on each
	// stream of requests, four on CALLS_PARKED and two on CALLS_DEAD.
	maxConsumers = 2048
)

// Topology is how the streams are to be.
type Topology struct {
	Replicas int // 1, 3 or 5
	// MaxBytes bounds the waiting requests of each priority, and the broker
	// reserves that much on the disk; 0 is no bound. A full queue is the
	// publisher's error, never a silent loss, and bulk does not fill that of the
	// others.
	MaxBytes map[call.Priority]int64
}

// streams lists them in the order of their creation: the records come before the
// requests, because a request older than the records may have had one.
func (t Topology) streams() []jetstream.StreamConfig {
	return []jetstream.StreamConfig{
		t.records(),
		{
			Name: StreamDead, Description: "requests that did not end in a placed call, whole, with reason and history",
			Subjects: []string{DeadPrefix + ">"}, Storage: jetstream.FileStorage, Replicas: t.Replicas,
			Retention: jetstream.LimitsPolicy, MaxMsgsPerSubject: 1, MaxConsumers: maxConsumers,
			AllowMsgTTL: true, Duplicates: minDuplicateWindow,
		},
		{
			Name: StreamParked, Description: "calls that wait for a time, and those whose time has come",
			Subjects: []string{ParkedPrefix + ">", DuePrefix + ">"}, Storage: jetstream.FileStorage, Replicas: t.Replicas,
			Retention: jetstream.WorkQueuePolicy, MaxMsgsPerSubject: -1, MaxConsumers: maxConsumers,
			AllowMsgSchedules: true, AllowRollup: true, Duplicates: minDuplicateWindow,
		},
		t.rate(),
		t.requests(call.Urgent),
		t.requests(call.Normal),
		t.requests(call.Bulk),
	}
}

// records is the stream of call records. They leave it by a TTL of their own alone.
func (t Topology) records() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamRecords, Description: "one record per call: makes dialling again safe",
		Subjects: []string{RecordsPrefix + ">"}, Storage: jetstream.FileStorage, Replicas: t.Replicas,
		Retention: jetstream.LimitsPolicy, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew,
		AllowMsgTTL: true, AllowDirect: false, DenyPurge: true, DenyDelete: true, Duplicates: minDuplicateWindow,
	}
}

// requests is the stream in which the requests of one priority wait.
func (t Topology) requests(p call.Priority) jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name: StreamOf(p), Description: string(p) + " requests, as publishers wrote them",
		Subjects: []string{StoredSubject("*", p)}, Storage: jetstream.FileStorage, Replicas: t.Replicas,
		Retention: jetstream.WorkQueuePolicy, MaxMsgsPerSubject: -1, Discard: jetstream.DiscardNew, MaxBytes: cmp.Or(t.MaxBytes[p], -1),
		MaxMsgSize: callsMaxMessage, MaxConsumers: maxConsumers, Duplicates: minDuplicateWindow,
	}
	if p == call.Normal {
		cfg.Subjects = append(cfg.Subjects, RequestsPrefix+"*")
		cfg.SubjectTransform = addNormalPriority()
	}
	return cfg
}

// addNormalPriority has the broker store a request without a priority under the
// subject of a normal one, so that each consumer has one subject: for a consumer of
// two, the broker's search for the next message costs several times as much.
func addNormalPriority() *jetstream.SubjectTransformConfig {
	return &jetstream.SubjectTransformConfig{
		Source: RequestsPrefix + "*", Destination: RequestsPrefix + "{{wildcard(1)}}." + string(call.Normal),
	}
}

// rate is the stream of the counters. They are of use for less than a second
// and only their last value is, so memory is the place for them. It has no size
// of its own: the broker drops the oldest counters of a full one (it refuses
// discard new here), and they begin again at 0. Nor may they be purged: that
// would go unnoticed.
func (t Topology) rate() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamRate, Description: "counters that hold limits across workers",
		Subjects: []string{RatePrefix + ">"}, Storage: jetstream.MemoryStorage, Replicas: t.Replicas,
		Retention: jetstream.LimitsPolicy, MaxMsgsPerSubject: 1,
		AllowMsgCounter: true, MaxAge: rateMaxAge, Duplicates: minDuplicateWindow,
		AllowDirect: true, DenyPurge: true, DenyDelete: true,
	}
}

// RateStream looks at the stream of the counters, and returns an error if counters
// could be lost under its settings. It creates the stream if it is missing and
// create is set.
func (c *Conn) RateStream(ctx context.Context, create bool, replicas int) (*jetstream.StreamInfo, error) {
	want := Topology{Replicas: replicas}.rate()
	s, err := c.js.Stream(ctx, StreamRate)
	if errors.Is(err, jetstream.ErrStreamNotFound) && create {
		s, err = c.js.CreateStream(ctx, want)
	}
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", StreamRate, err)
	}
	info := s.CachedInfo()
	for _, d := range compare(want, info.Config) {
		if d.Impact != "" {
			return nil, errors.New(d.String())
		}
	}
	return info, nil
}

func (t Topology) control() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: BucketControl, Description: "pause and suspension flags",
		Storage: jetstream.FileStorage, Replicas: t.Replicas, History: 5, LimitMarkerTTL: time.Minute,
	}
}

// Apply creates the streams that are missing, and returns their names. Those that are
// there stay as they are; [Topology.Check] lists where they differ. What would keep
// one from being created is looked for before the first is.
func (t Topology) Apply(ctx context.Context, js jetstream.JetStream) (created []string, err error) {
	missing, err := t.missing(ctx, js)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		if err := t.precheck(ctx, js, missing); err != nil {
			return nil, err
		}
	}
	for _, cfg := range missing {
		if err := createIfMissing(ctx, js, cfg); err != nil {
			return created, fmt.Errorf("create stream %s: %w", cfg.Name, err)
		}
		created = append(created, cfg.Name)
		if cfg.Name == StreamRecords {
			if err := WriteFirstCanary(ctx, js); err != nil {
				return created, err
			}
		}
	}
	_, err = js.KeyValue(ctx, BucketControl)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		if _, err = js.CreateKeyValue(ctx, t.control()); errors.Is(err, jetstream.ErrBucketExists) {
			err = nil
		}
		if err == nil {
			created = append(created, BucketControl)
		}
	}
	if err != nil {
		return created, fmt.Errorf("create bucket %s: %w", BucketControl, err)
	}
	return created, nil
}

// createIfMissing creates a stream; that another worker was faster is no error.
func createIfMissing(ctx context.Context, js jetstream.JetStream, cfg jetstream.StreamConfig) error {
	err := createStream(ctx, js, cfg)
	if errors.Is(err, jetstream.ErrMaximumConsumersLimit) {
		// The NATS account allows fewer consumers, and that is its limit then.
		cfg.MaxConsumers = 0
		err = createStream(ctx, js, cfg)
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil
	}
	return err
}
