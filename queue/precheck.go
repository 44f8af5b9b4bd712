package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/retry"
)

// The oldest NATS server with everything we need: message schedules, TTLs of
// single messages, counters; and the level of its API.
const (
	minServerMajor = 2
	minServerMinor = 12
	minAPILevel    = 2
)

var (
	// ErrServerTooOld reports that the server lacks what ringonce needs.
	ErrServerTooOld = errors.New("the NATS server is too old")
	// ErrInsufficientStorage reports that the broker cannot reserve the streams of requests.
	ErrInsufficientStorage = errors.New("NATS has no room for the streams of requests")
	// ErrForeignStream reports that a stream of another program is in the way.
	ErrForeignStream = errors.New("a stream that is not ringonce's is in the way")
	// ErrNoJetStream reports that JetStream does not answer.
	ErrNoJetStream = errors.New("no JetStream answers: enable it for this NATS account; if it is in another JetStream domain, as the hub of a leaf node, set nats.domain")
)

// ExplainJetStream adds what an operator can do when JetStream does not answer.
func ExplainJetStream(err error) error {
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) ||
		errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("%w (%w)", ErrNoJetStream, err)
	}
	return err
}

// CheckServer returns an error if the server is too old. In another JetStream domain
// only the level of its API shows that.
func CheckServer(ctx context.Context, js jetstream.JetStream) error {
	version := js.Conn().ConnectedServerVersion()
	if js.Options().Domain == "" {
		if !newEnough(version) {
			return oldServer(version)
		}
		return nil // a worker needs no permission to ask for the level of the API
	}
	info, err := js.AccountInfo(ctx)
	if err != nil {
		return fmt.Errorf("ask the JetStream domain %s: %w", js.Options().Domain, ExplainJetStream(err))
	}
	if info.API.Level < minAPILevel {
		return oldServer("of the domain " + js.Options().Domain)
	}
	return nil
}

func oldServer(version string) error {
	return fmt.Errorf("%w: it is nats-server %q, and %d.%d or newer is needed, for message schedules", ErrServerTooOld, version, minServerMajor, minServerMinor)
}

func newEnough(version string) bool {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	return errMajor == nil && errMinor == nil && (major > minServerMajor || major == minServerMajor && minor >= minServerMinor)
}

// precheck finds what would keep a stream from being created, before any is.
func (t Topology) precheck(ctx context.Context, js jetstream.JetStream, missing []jetstream.StreamConfig) error {
	if err := CheckServer(ctx, js); err != nil {
		return err
	}
	if err := checkOverlap(ctx, js, missing); err != nil {
		return err
	}
	return t.checkRoom(ctx, js, missing)
}

// missing lists the streams that are not there. A foreign one with a name of ours is
// an error.
func (t Topology) missing(ctx context.Context, js jetstream.JetStream) ([]jetstream.StreamConfig, error) {
	var missing []jetstream.StreamConfig
	for _, want := range t.streams() {
		s, err := js.Stream(ctx, want.Name)
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
			missing = append(missing, want)
		case err != nil:
			return nil, fmt.Errorf("look up stream %s: %w", want.Name, ExplainJetStream(err))
		case isForeign(want, s.CachedInfo().Config):
			return nil, foreignError(want, s.CachedInfo().Config)
		}
	}
	return missing, nil
}

// isForeign reports whether a stream with a name of ours has no subject of the kind
// that ours has, such as calls.requests.
func isForeign(want, have jetstream.StreamConfig) bool {
	for _, subject := range want.Subjects {
		tokens := strings.SplitN(subject, ".", 3)
		kind := tokens[0] + "." + tokens[1] + "."
		if slices.ContainsFunc(have.Subjects, func(s string) bool { return strings.HasPrefix(s, kind) }) {
			return false
		}
	}
	return true
}

const separate = "give ringonce a NATS account of its own, or that stream another name"

func foreignError(want, have jetstream.StreamConfig) error {
	return fmt.Errorf("%w: %s has the subjects %v, and ringonce needs the name for %v; %s",
		ErrForeignStream, want.Name, have.Subjects, want.Subjects, separate)
}

// checkOverlap finds streams of others that have subjects of ours. Without the
// permission to list them, creating the first stream fails.
func checkOverlap(ctx context.Context, js jetstream.JetStream, missing []jetstream.StreamConfig) error {
	for _, want := range missing {
		for _, subject := range want.Subjects {
			names := js.StreamNames(ctx, jetstream.WithStreamListSubject(subject))
			for name := range names.Name() {
				return fmt.Errorf("%w: %s has subjects that overlap with %s of %s; %s",
					ErrForeignStream, name, subject, want.Name, "give ringonce a NATS account of its own, or that stream other subjects")
			}
			if names.Err() != nil {
				return nil //nolint:nilerr // see above
			}
		}
	}
	return nil
}

// roomStream is created for a moment, to see whether there is room.
const roomStream = "CALLS_ROOM"

// roomSteps bounds the bisection that finds how much room there is.
const roomSteps = 8

// unreserved is left for the streams that reserve nothing: the broker creates none
// where all is reserved.
const unreserved = 1 << 20

// checkRoom has the broker reserve, for a moment, what the missing streams of requests
// need. How much it can reserve is not shown: accounts often have no limit, and the
// server's is hidden.
func (t Topology) checkRoom(ctx context.Context, js jetstream.JetStream, missing []jetstream.StreamConfig) error {
	var need int64
	for _, cfg := range missing {
		need += max(cfg.MaxBytes, 0)
	}
	if need == 0 {
		return nil
	}
	if err := js.DeleteStream(ctx, roomStream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil //nolint:nilerr // it is not permitted; creating the streams will show it
	}
	refused := t.reserveRoom(ctx, js, need+unreserved)
	if !isNoRoom(refused) {
		return nil
	}
	room, above := int64(0), need
	for range roomSteps {
		half := (room + above) / 2
		if t.reserveRoom(ctx, js, half+unreserved) == nil {
			room = half
		} else {
			above = half
		}
	}
	return t.noRoomError(ctx, js, need, room, refused)
}

// reserveRoom reserves bytes for a moment.
func (t Topology) reserveRoom(ctx context.Context, js jetstream.JetStream, bytes int64) error {
	err := createStream(ctx, js, jetstream.StreamConfig{
		Name: roomStream, Description: "made for a moment by ringonce, to see whether there is room",
		Storage: jetstream.FileStorage, Replicas: t.Replicas, MaxBytes: bytes,
	})
	if err != nil {
		return err
	}
	if err := js.DeleteStream(ctx, roomStream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("remove stream %s: %w", roomStream, err)
	}
	return nil
}

// Bounds of creating a stream right after another was deleted.
const (
	maxCreateTries   = 3
	createRetryDelay = 200 * time.Millisecond
)

// createStream creates a stream. The broker confirms that a stream is deleted before
// it has released its room and removed its directory, and refuses another one in
// between.
func createStream(ctx context.Context, js jetstream.JetStream, cfg jetstream.StreamConfig) (err error) {
	for try := range maxCreateTries {
		if try > 0 {
			retry.Sleep(ctx, createRetryDelay)
		}
		if _, err = js.CreateStream(ctx, cfg); !isNoRoom(err) && !isStoreError(err) {
			return err
		}
	}
	return err
}

// storeNotCreated is what the broker answers if a stream's directory cannot be
// made.
const storeNotCreated jetstream.ErrorCode = 10049

func isStoreError(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == storeNotCreated
}

// What the broker answers where there is no room: in the account, in a cluster, in
// the server.
const (
	accountResources jetstream.ErrorCode = 10002
	noPeers          jetstream.ErrorCode = 10005
	noResources      jetstream.ErrorCode = 10023
	storageResources jetstream.ErrorCode = 10047
)

func isNoRoom(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		slices.Contains([]jetstream.ErrorCode{accountResources, noPeers, noResources, storageResources}, api.ErrorCode)
}

func (t Topology) noRoomError(ctx context.Context, js jetstream.JetStream, need, room int64, refused error) error {
	account := ""
	if info, err := js.AccountInfo(ctx); err == nil {
		tier := info.Tier
		if of, tiered := info.Tiers["R"+strconv.Itoa(t.Replicas)]; tiered {
			tier = of
		}
		limit := "no limit of its own, so that it is the server's max_file_store that counts"
		if tier.Limits.MaxStore > 0 {
			limit = "a limit of " + mebibytes(tier.Limits.MaxStore)
		}
		account = fmt.Sprintf(" The NATS account has reserved %s and uses %s; it has %s.", mebibytes(int64(tier.ReservedStore)), mebibytes(int64(tier.Store)), limit) //nolint:gosec // sizes of disks
	}
	return fmt.Errorf("%w: they reserve %s on each server (streams.max_urgent_mib %d, max_normal_mib %d, max_bulk_mib %d; %d replicas), and about %s can be reserved (%w).%s Lower these settings, or raise the limit at NATS",
		ErrInsufficientStorage, mebibytes(need), t.MaxBytes[call.Urgent]>>20, t.MaxBytes[call.Normal]>>20, t.MaxBytes[call.Bulk]>>20, t.Replicas, mebibytes(room), refused, account)
}

func mebibytes(n int64) string { return strconv.FormatInt(n>>20, 10) + " MiB" }
