package sfvopi

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
)

// The defaults of a directory.
const (
	DefaultRefresh     = 60 * time.Second
	DefaultMinInterval = 2 * time.Second
)

// ClockSkew is how far this machine's clock may be ahead of the broker's without a
// number being called "not linked" from a look-up older than its request. Clocks
// further apart must be corrected.
const ClockSkew = 5 * time.Second

// DirectoryConfig configures a [Directory].
type DirectoryConfig struct {
	Lookups Lookups
	// Refresh is the interval of fetches, 0 means DefaultRefresh. It is jittered
	// by a tenth.
	Refresh time.Duration
	// MinInterval is how long after a fetch a look-up may cause the next, 0 means
	// DefaultMinInterval.
	MinInterval time.Duration
	// LookupTimeout bounds how long a look-up may wait for a fetch; with 0 only
	// its context does.
	LookupTimeout time.Duration
	// Fetched, if not nil, is called after every fetch.
	Fetched func(FetchReport)
	// Logger logs failed fetches. Nil discards.
	Logger *slog.Logger
}

// FetchReport is the result of one fetch, for metrics.
type FetchReport struct {
	Took   time.Duration
	Counts Counts // of the directory after it
	Err    error  // nil if it succeeded
	// Refused: the provider refused the look-ups, because of the key or the account.
	Refused bool
}

// Directory knows which numbers of one account are linked to an ACTIVE app. It
// is safe for concurrent use. [Directory.Run] does all the fetching.
//
// Any fetch may say that a number is linked: if that is wrong, the provider refuses
// the call and rings no phone. "Not linked" ends a request, so it must come from a
// fetch that certainly began after the request was published.
type Directory struct {
	lookups     Lookups
	interval    time.Duration
	minInterval time.Duration
	timeout     time.Duration // of look-ups; 0 for none
	fetched     func(FetchReport)
	logger      *slog.Logger

	requested chan struct{} // holds a token while next is to be started
	stopped   chan struct{} // closed when Run returns

	mu          sync.Mutex
	last        *snapshot      // the last good one; nil before the first
	invalidated map[string]int // numbers that the provider called not linked, with the fetchCount then
	fetchCount  int            // how many fetches have begun; numbers them
	ended       time.Time      // when the last fetch ended, successful or not
	current     *refresh       // the running fetch, or nil
	next        *refresh       // the requested fetch, or nil
}

// refresh is one fetch, for which any number of look-ups may wait.
type refresh struct {
	done chan struct{} // closed when it ended
	good *snapshot     // nil if it failed; read only after done
}

// NewDirectory returns a directory that is empty until Run has fetched.
func NewDirectory(config DirectoryConfig) *Directory {
	d := &Directory{
		lookups: config.Lookups, interval: config.Refresh, minInterval: config.MinInterval,
		timeout: config.LookupTimeout, fetched: config.Fetched, logger: config.Logger,
		requested: make(chan struct{}, 1), stopped: make(chan struct{}),
		invalidated: make(map[string]int),
	}
	if d.interval <= 0 {
		d.interval = DefaultRefresh
	}
	if d.minInterval <= 0 {
		d.minInterval = DefaultMinInterval
	}
	if d.logger == nil {
		d.logger = slog.New(slog.DiscardHandler)
	}
	return d
}

// Lookup returns whether from is linked to an ACTIVE app, and to the given one if
// appID is not empty. published is when the broker stored the request.
//
// It may wait for a fetch, as long as the look-up timeout, ctx and Run last. Unless
// it is certain that a number is not linked, it returns [call.LinkageNotKnown]: the
// fetch failed, or the last one is too recent, or the number was being moved.
//
// published comes from the broker's clock and is compared with this machine's, with
// a tolerance of [ClockSkew]. A fetch that began after Lookup was called is newer
// than the request by any clock.
func (d *Directory) Lookup(ctx context.Context, from call.Phone, appID string, published time.Time) call.Linkage {
	key := numberKey(from.E164())
	linkage, f, begun := d.cached(key, appID, published)
	if f == nil {
		return linkage
	}
	if d.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.timeout)
		defer cancel()
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return call.LinkageNotKnown
	case <-d.stopped:
		return call.LinkageNotKnown
	}
	if f.good == nil {
		return call.LinkageNotKnown
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh := f.good.number > begun || certainlyAfter(f.good.started, published)
	linkage, sure := d.evaluate(f.good, key, appID, fresh)
	if !sure {
		return call.LinkageNotKnown
	}
	return linkage
}

// cached returns the linkage from the last fetch, or the fetch to wait for. Without
// either, the linkage is not known. begun is how many fetches had begun.
func (d *Directory) cached(key, appID string, published time.Time) (_ call.Linkage, _ *refresh, begun int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last != nil {
		linkage, sure := d.evaluate(d.last, key, appID, certainlyAfter(d.last.started, published))
		if sure {
			return linkage, nil, d.fetchCount
		}
	}
	return call.LinkageNotKnown, d.requestRefresh(), d.fetchCount
}

// evaluate returns what a snapshot says of a number, and whether that is certain.
// fresh: its fetch began after the request was published. The caller holds the lock.
func (d *Directory) evaluate(s *snapshot, key, appID string, fresh bool) (_ call.Linkage, sure bool) {
	if before, ok := d.invalidated[key]; ok && s.number <= before {
		return call.LinkageNotKnown, false
	}
	linkage := s.linkage(key, appID)
	negative := linkage != call.Linked && linkage != call.LinkageNotKnown && !s.copied
	return linkage, linkage == call.Linked || (negative && fresh)
}

// certainlyAfter compares this machine's clock with the broker's.
func certainlyAfter(began, published time.Time) bool {
	return began.After(published.Add(ClockSkew))
}

// Invalidate records that the provider called the number not linked: its next
// look-up needs a new fetch, which is requested at once.
func (d *Directory) Invalidate(from call.Phone) {
	key := numberKey(from.E164())
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		return
	}
	if _, known := d.last.numbers[key]; !known {
		return // it does not count as linked
	}
	d.invalidated[key] = d.fetchCount
	d.requestRefresh()
}

// CopyStateFrom starts with the state of a previous directory, and reports whether
// that had any. The key may have changed, so the copy only says what is linked. It
// must be called before Run.
func (d *Directory) CopyStateFrom(from *Directory) (known bool) {
	from.mu.Lock()
	last, marked, departs := from.last, maps.Clone(from.invalidated), from.fetchCount
	from.mu.Unlock()
	if last == nil {
		return false
	}
	inherited := *last
	inherited.copied = true
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last, d.invalidated, d.fetchCount = &inherited, marked, departs
	return true
}

// FetchedAt returns when the last successful fetch began, or the zero time.
func (d *Directory) FetchedAt() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		return time.Time{}
	}
	return d.last.started
}

// Age returns the age of the directory at now; ok is false if it is empty.
func (d *Directory) Age(now time.Time) (age time.Duration, ok bool) {
	at := d.FetchedAt()
	if at.IsZero() {
		return 0, false
	}
	return max(now.Sub(at), 0), true
}

// Counts returns how much the directory holds.
func (d *Directory) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		return Counts{}
	}
	return d.last.counts
}
