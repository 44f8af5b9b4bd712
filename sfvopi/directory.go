package sfvopi

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
)

// What holds unless the configuration of a directory says otherwise.
const (
	DefaultRefresh     = 60 * time.Second
	DefaultMinInterval = 2 * time.Second
)

// ClockSkew is how far the clock of this machine may be ahead of the broker's
// without a number being called "not linked" from a look-up older than its
// request. Clocks further apart than this must be mended, not tolerated.
const ClockSkew = 5 * time.Second

// DirectoryConfig is what a [Directory] needs to know.
type DirectoryConfig struct {
	Lookups Lookups
	// Refresh is how often everything is fetched anew, 0 means DefaultRefresh.
	// It is jittered by a tenth.
	Refresh time.Duration
	// MinInterval is how long after one fetch ended a look-up may cause the
	// next, 0 means DefaultMinInterval.
	MinInterval time.Duration
	// LookupTimeout bounds how long a look-up may wait for a fetch; 0 leaves
	// that to its context.
	LookupTimeout time.Duration
	// Fetched, if not nil, is told of every fetch.
	Fetched func(FetchReport)
	// Logger is told of fetches that fail. Nil discards.
	Logger *slog.Logger
}

// FetchReport is what one fetch came to, for metrics.
type FetchReport struct {
	Took   time.Duration
	Counts Counts // of the directory after it
	Err    error  // nil if it succeeded
	// Refused tells that the provider understood and does not answer, for the key
	// or the account.
	Refused bool
}

// Directory knows which numbers of one account are linked to an ACTIVE app. It
// is safe for concurrent use. [Directory.Run] does all the fetching.
//
// That a number is linked is believed from any fetch: if it is wrong, the
// provider says so and rings nobody. That it is not linked ends a request, and
// is believed only from a fetch that certainly began after the request was
// published.
type Directory struct {
	lookups     Lookups
	refresh     time.Duration
	minInterval time.Duration
	timeout     time.Duration // of look-ups; 0 is without
	fetched     func(FetchReport)
	logger      *slog.Logger

	wake    chan struct{} // holds one token: next is to be started
	stopped chan struct{} // closed when Run returns

	mu      sync.Mutex
	last    *snapshot      // the last good one; nil before that
	marked  map[string]int // numbers the provider called not linked, and after how many departures
	departs int            // how many fetches have begun; numbers them
	ended   time.Time      // when the last fetch ended, well or not
	current *flight        // the fetch under way; nil without one
	next    *flight        // the fetch that is asked for; nil without one
}

// flight is one fetch, awaited by any number of look-ups.
type flight struct {
	done chan struct{} // closed when it ended
	good *snapshot     // nil if it failed; read only after done
}

// NewDirectory makes a directory that knows nothing until Run has fetched.
func NewDirectory(config DirectoryConfig) *Directory {
	d := &Directory{
		lookups: config.Lookups, refresh: config.Refresh, minInterval: config.MinInterval,
		timeout: config.LookupTimeout, fetched: config.Fetched, logger: config.Logger,
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
		marked: make(map[string]int),
	}
	if d.refresh <= 0 {
		d.refresh = DefaultRefresh
	}
	if d.minInterval <= 0 {
		d.minInterval = DefaultMinInterval
	}
	if d.logger == nil {
		d.logger = slog.New(slog.DiscardHandler)
	}
	return d
}

// Lookup says whether from is linked to an ACTIVE app, and to this very one if
// appID is not empty. published is when the broker stored the request.
//
// It may wait for a fetch, as long as the look-up timeout, ctx and Run last.
// Whenever it cannot be sure that a number is not linked, the verdict is [call.LinkageNotKnown]: the
// fetch failed, or another ended too short a time ago, or the number was being
// moved meanwhile.
//
// published comes from the broker's clock and is compared with this machine's;
// [ClockSkew] is the difference that is allowed for. A fetch that began after
// Lookup was called is newer than the request by any clock.
func (d *Directory) Lookup(ctx context.Context, from call.Phone, appID string, published time.Time) call.Linkage {
	key := numberKey(from.E164())
	verdict, f, begun := d.consult(key, appID, published)
	if f == nil {
		return verdict
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
	verdict, sure := d.believe(f.good, key, appID, fresh)
	if !sure {
		return call.LinkageNotKnown
	}
	return verdict
}

// consult answers from what is at hand, or gives the fetch to wait for. Without
// either, the verdict is not known. begun is how many fetches had begun by then.
func (d *Directory) consult(key, appID string, published time.Time) (_ call.Linkage, _ *flight, begun int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last != nil {
		verdict, sure := d.believe(d.last, key, appID, certainlyAfter(d.last.started, published))
		if sure {
			return verdict, nil, d.departs
		}
	}
	return call.LinkageNotKnown, d.ask(), d.departs
}

// believe gives what a snapshot says of a number, and whether that may be
// acted on. fresh tells that its fetch began after the request was published.
// The caller holds the lock.
func (d *Directory) believe(s *snapshot, key, appID string, fresh bool) (_ call.Linkage, sure bool) {
	if before, ok := d.marked[key]; ok && s.number <= before {
		return call.LinkageNotKnown, false
	}
	verdict := s.verdict(key, appID)
	negative := verdict != call.Linked && verdict != call.LinkageNotKnown && !s.inherited
	return verdict, verdict == call.Linked || (negative && fresh)
}

// certainlyAfter compares this machine's clock with the broker's.
func certainlyAfter(began, published time.Time) bool {
	return began.After(published.Add(ClockSkew))
}

// Invalidate notes that the provider just called the number not linked: its next
// look-up needs a new fetch, which is asked for at once.
func (d *Directory) Invalidate(from call.Phone) {
	key := numberKey(from.E164())
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		return
	}
	if _, known := d.last.numbers[key]; !known {
		return // it is not believed to be linked
	}
	d.marked[key] = d.departs
	d.ask()
}

// CopyStateFrom begins with what the directory before it knew, and reports whether
// that was anything. The key may be another one, so only what is linked is
// believed of it. It is to be called before Run.
func (d *Directory) CopyStateFrom(from *Directory) (known bool) {
	from.mu.Lock()
	last, marked, departs := from.last, maps.Clone(from.marked), from.departs
	from.mu.Unlock()
	if last == nil {
		return false
	}
	inherited := *last
	inherited.inherited = true
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last, d.marked, d.departs = &inherited, marked, departs
	return true
}

// FetchedAt tells when the last good fetch began, or the zero time if there was
// none.
func (d *Directory) FetchedAt() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		return time.Time{}
	}
	return d.last.started
}

// Age tells how old at now the directory is; ok is false if it knows nothing
// yet.
func (d *Directory) Age(now time.Time) (age time.Duration, ok bool) {
	at := d.FetchedAt()
	if at.IsZero() {
		return 0, false
	}
	return max(now.Sub(at), 0), true
}

// Counts tells how much the directory holds.
func (d *Directory) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		return Counts{}
	}
	return d.last.counts
}
