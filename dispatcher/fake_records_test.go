package dispatcher

import (
	"context"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
)

// fakeRecords keeps records in memory, with the promises of the real one: a nil
// error means that the record is there, and a write whose answer was lost may
// have happened, may not, or may still.
type fakeRecords struct {
	journal *journal

	mu        sync.Mutex
	created   time.Time
	seq       uint64
	records   map[call.ID]stored
	faults    []fault // of the next writes, in order
	late      []func()
	lateDelay func() time.Duration // if set, late writes arrive by themselves
	down      bool                 // answers nothing
	readErr   error
	panics    int // so many reads and writes panic

	wrote  func(call.Record) // called for every write, inside the lock
	before func()            // called before every read and write, outside the lock
}

type stored struct {
	record  call.Record
	version uint64
}

// fault is what becomes of one write.
type fault int

const (
	works      fault = iota
	answerLost       // written; not known
	writeLost        // not written; not known
	writeLate        // not written until it arrives; not known
	loses            // another worker was first
)

func newFakeRecords(j *journal) *fakeRecords {
	return &fakeRecords{journal: j, records: map[call.ID]stored{}, created: began}
}

func (l *fakeRecords) Read(_ context.Context, _ call.Account, id call.ID) (call.Record, call.Version, error) {
	if l.before != nil {
		l.before()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.panics > 0 {
		l.panics--
		panic("the store broke")
	}
	if l.down || l.readErr != nil {
		return call.Record{}, call.Version{}, errDown
	}
	s, ok := l.records[id]
	if !ok {
		return call.Record{}, call.Version{Created: l.created}, nil
	}
	return s.record, call.Version{Created: l.created, Sequence: s.version}, nil
}

func (l *fakeRecords) Put(_ context.Context, r call.Record, expected call.Version) (call.Version, error) {
	if l.before != nil {
		l.before()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Account == "" || r.ID == "" {
		return call.Version{}, errNoID
	}
	if l.down {
		return call.Version{}, call.ErrUncertain
	}
	f := works
	if len(l.faults) > 0 {
		f, l.faults = l.faults[0], l.faults[1:]
	}
	switch f {
	case writeLost:
		return call.Version{}, call.ErrUncertain
	case writeLate:
		write := func() { _ = l.write(r, expected) }
		if l.lateDelay != nil {
			time.AfterFunc(l.lateDelay(), write)
		} else {
			l.late = append(l.late, write)
		}
		return call.Version{}, call.ErrUncertain
	case loses:
		return call.Version{}, call.ErrConflict
	case works, answerLost:
	}
	v, err := l.writeLocked(r, expected)
	if err == nil && f == answerLost {
		return call.Version{}, call.ErrUncertain
	}
	return v, err
}

func (l *fakeRecords) write(r call.Record, expected call.Version) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.writeLocked(r, expected)
	return err
}

func (l *fakeRecords) writeLocked(r call.Record, expected call.Version) (call.Version, error) {
	if l.records[r.ID].version != expected.Sequence {
		return call.Version{}, call.ErrConflict
	}
	// What is stored is what comes back: times lose their monotonic part.
	data, err := r.Encode()
	if err != nil {
		return call.Version{}, err
	}
	if r, err = call.DecodeRecord(data); err != nil {
		return call.Version{}, err
	}
	l.seq++
	l.records[r.ID] = stored{r, l.seq}
	l.journal.add("record " + string(r.State))
	if l.wrote != nil {
		l.wrote(r)
	}
	return call.Version{Created: l.created, Sequence: l.seq}, nil
}

// arrive lets the late writes reach the store.
func (l *fakeRecords) arrive() {
	l.mu.Lock()
	late := l.late
	l.late = nil
	l.mu.Unlock()
	for _, write := range late {
		write()
	}
}

// put stores a record as another worker would, and returns its version.
func (l *fakeRecords) put(r call.Record) call.Version {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	l.records[r.ID] = stored{r, l.seq}
	return call.Version{Created: l.created, Sequence: l.seq}
}

// get returns the record of the call "a".
func (l *fakeRecords) get() call.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records["a"].record
}

func (l *fakeRecords) version() call.Version {
	l.mu.Lock()
	defer l.mu.Unlock()
	return call.Version{Created: l.created, Sequence: l.records["a"].version}
}

// recreate makes the store an empty one.
func (l *fakeRecords) recreate() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = map[call.ID]stored{}
}

func (l *fakeRecords) fail(faults ...fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = faults
}

func (l *fakeRecords) setDown(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}
