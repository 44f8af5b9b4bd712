package sfvopi

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// inBubble runs a directory of the account on fake time. The directory has
// fetched once when test is called, or failed to.
func inBubble(t *testing.T, a *account, config DirectoryConfig, test func(t *testing.T, d *Directory)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		config.Lookups = a
		d := NewDirectory(config)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { d.Run(ctx) })
		synctest.Wait()
		test(t, d)
		cancel()
		running.Wait()
	})
}

func expect(t *testing.T, d *Directory, number, appID string, published time.Time, want call.Linkage) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if got := d.Lookup(ctx, phone(t, number), appID, published); got != want {
		t.Errorf("%v: %s, want %s", phone(t, number), got, want)
	}
}

func TestDirectoryVerdicts(t *testing.T) {
	a := newAccount()
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		expect(t, d, linked, "", time.Now(), call.Linked)
		expect(t, d, linked, "a", time.Now(), call.Linked)
		if a.fetched() != 1 {
			t.Errorf("%d fetches to answer from the cache", a.fetched())
		}
		for _, c := range []struct {
			number, appID string
			want          call.Linkage
		}{
			{linked, "b", call.OtherApp},
			{inactive, "", call.AppInactive},
			{owned, "", call.OwnedNotLinked},
			{foreign, "", call.NotOwned},
		} {
			<-time.After(DefaultMinInterval)
			before := a.fetched()
			expect(t, d, c.number, c.appID, time.Now(), c.want)
			if a.fetched() != before+1 {
				t.Errorf("%s: %d fetches for a verdict that ends a request", c.want, a.fetched()-before)
			}
			// An older request needs no fetch of its own.
			expect(t, d, c.number, c.appID, time.Now().Add(-ClockSkew-time.Second), c.want)
			if a.fetched() != before+1 {
				t.Errorf("%s: fetched again for an older request", c.want)
			}
		}
	})
}

func TestNegativeVerdictNeedsAFetchAfterThePublish(t *testing.T) {
	a := newAccount()
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		<-time.After(10 * time.Second)
		a.set(func() { a.free = nil; a.links[owned] = "a" }) // linked just before the publish
		expect(t, d, owned, "", time.Now(), call.Linked)
	})
}

func TestNeverSeenNeedsTwoFetches(t *testing.T) {
	a := newAccount()
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		// Moved from a to b while the lists were read: seen in neither.
		a.set(func() { a.during = func() { a.set(func() { delete(a.links, linked) }) } })
		<-time.After(DefaultMinInterval)
		expect(t, d, linked, "b", time.Now(), call.LinkageNotKnown)
		a.set(func() { a.during = nil; a.links[linked] = "b" })
		<-time.After(DefaultMinInterval)
		expect(t, d, linked, "b", time.Now(), call.Linked)

		a.set(func() { delete(a.links, linked) }) // gone for good
		d.Invalidate(phone(t, linked))
		<-time.After(DefaultMinInterval)
		expect(t, d, linked, "", time.Now(), call.LinkageNotKnown)
		<-time.After(DefaultMinInterval)
		expect(t, d, linked, "", time.Now(), call.NotOwned)
	})
}

func TestMissesAreRateLimited(t *testing.T) {
	a := newAccount()
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		expect(t, d, owned, "", time.Now(), call.LinkageNotKnown) // the first fetch just ended
		<-time.After(DefaultMinInterval - time.Millisecond)
		expect(t, d, owned, "", time.Now(), call.LinkageNotKnown)
		if a.fetched() != 1 {
			t.Errorf("%d fetches", a.fetched())
		}
		<-time.After(time.Millisecond)
		expect(t, d, owned, "", time.Now(), call.OwnedNotLinked)
		expect(t, d, owned, "", time.Now(), call.LinkageNotKnown)
		if a.fetched() != 2 {
			t.Errorf("%d fetches", a.fetched())
		}
	})
}

func TestManyMissesShareOneFetch(t *testing.T) {
	a := newAccount()
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		<-time.After(DefaultMinInterval)
		a.set(func() { a.slow = time.Second; a.free = nil; a.links[owned] = "a" })
		var lookups sync.WaitGroup
		for range 50 {
			lookups.Go(func() { expect(t, d, owned, "", time.Now(), call.Linked) })
		}
		lookups.Wait()
		if a.fetched() != 2 {
			t.Errorf("%d fetches", a.fetched())
		}
	})
}

func TestFetchUnderWayIsAwaited(t *testing.T) {
	a := newAccount()
	a.slow = time.Second
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		published := time.Now() // the first fetch has begun before
		var lookups sync.WaitGroup
		lookups.Go(func() { expect(t, d, linked, "", published, call.Linked) })
		lookups.Go(func() { expect(t, d, owned, "", published, call.LinkageNotKnown) })
		lookups.Go(func() { expect(t, d, owned, "", published.Add(-time.Minute), call.OwnedNotLinked) })
		lookups.Wait()
		if a.fetched() != 1 {
			t.Errorf("%d fetches", a.fetched())
		}
	})
}

func TestLookupIsBoundedByItsContextAndByRun(t *testing.T) {
	a := newAccount()
	a.slow = time.Hour
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if got := d.Lookup(ctx, phone(t, linked), "", began); got != call.LinkageNotKnown || time.Since(began) != 3*time.Second {
			t.Errorf("%s after %v", got, time.Since(began))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		d := NewDirectory(DirectoryConfig{Lookups: a})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		d.Run(ctx)
		if got := d.Lookup(t.Context(), phone(t, linked), "", time.Now()); got != call.LinkageNotKnown {
			t.Errorf("%s after Run has ended", got)
		}
	})
}

func TestInvalidate(t *testing.T) {
	a := newAccount()
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		old := time.Now().Add(-time.Hour)
		a.set(func() { delete(a.links, linked); a.free = append(a.free, linked) })
		expect(t, d, linked, "", old, call.Linked) // cached
		d.Invalidate(phone(t, linked))
		expect(t, d, linked, "", old, call.LinkageNotKnown) // too soon after the first fetch
		<-time.After(DefaultMinInterval)
		expect(t, d, linked, "", old, call.OwnedNotLinked)
		expect(t, d, linked, "", old, call.OwnedNotLinked) // the mark is gone

		a.set(func() { a.links[linked] = "a" })
		<-time.After(DefaultMinInterval)
		before := a.fetched()
		d.Invalidate(phone(t, linked)) // asks for a fetch at once
		synctest.Wait()
		if a.fetched() != before+1 {
			t.Errorf("%d fetches after the mark", a.fetched()-before)
		}
		expect(t, d, linked, "", old, call.Linked)

		d.Invalidate(phone(t, foreign)) // was never believed to be linked
		if len(d.invalidated) != 0 {
			t.Errorf("%d marks are kept", len(d.invalidated))
		}
	})
}

func TestInvalidateDuringAFetch(t *testing.T) {
	a := newAccount()
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		<-time.After(DefaultMinInterval)
		a.set(func() { a.slow = time.Second })
		go d.Lookup(t.Context(), phone(t, owned), "", time.Now()) // begins a fetch
		synctest.Wait()
		d.Invalidate(phone(t, linked))
		expect(t, d, linked, "", time.Now(), call.LinkageNotKnown)
		<-time.After(DefaultMinInterval)
		expect(t, d, linked, "", time.Now(), call.Linked)
		if a.fetched() != 3 {
			t.Errorf("%d fetches", a.fetched())
		}
	})
}

func TestRefreshInTheBackground(t *testing.T) {
	a := newAccount()
	want := Counts{Apps: 3, Linked: 1, Inactive: 1, Available: 1}
	var reports []FetchReport
	inBubble(t, a, DirectoryConfig{Fetched: func(r FetchReport) { reports = append(reports, r) }}, func(t *testing.T, d *Directory) {
		first := d.FetchedAt()
		<-time.After(10 * DefaultRefresh)
		synctest.Wait()
		if n := a.fetched(); n < 10 || n > 12 { // 1 + 10 with a jitter of a tenth
			t.Errorf("%d fetches in 10 intervals", n)
		}
		age, ok := d.Age(time.Now())
		if !ok || age > DefaultRefresh*11/10 || !d.FetchedAt().After(first) {
			t.Errorf("age %v, %v", age, ok)
		}
		if got := d.Counts(); got != want {
			t.Errorf("counts %+v", got)
		}
	})
	if r := reports[0]; r.Counts != want || r.Err != nil {
		t.Errorf("report %+v", r)
	}
	if len(reports) != a.fetched() {
		t.Errorf("%d reports of %d fetches", len(reports), a.fetched())
	}
}

func TestFailuresKeepTheLastGoodDirectory(t *testing.T) {
	a := newAccount()
	down := errors.New("no route")
	var log bytes.Buffer
	var reports []FetchReport
	config := DirectoryConfig{
		Fetched: func(r FetchReport) { reports = append(reports, r) },
		Logger:  slog.New(slog.NewTextHandler(&log, nil)),
	}
	inBubble(t, a, config, func(t *testing.T, d *Directory) {
		a.set(func() { a.err = down })
		began := time.Now()
		<-time.After(time.Hour)
		synctest.Wait()
		if n := a.fetched(); n < 40 || n > 150 { // at most every 2 s at first, then about every minute
			t.Errorf("%d fetches in an hour of failures", n)
		}
		expect(t, d, linked, "", time.Now(), call.Linked)
		expect(t, d, owned, "", time.Now(), call.LinkageNotKnown)
		if age, ok := d.Age(time.Now()); !ok || age < time.Hour || !d.FetchedAt().Equal(began) {
			t.Errorf("age %v, %v", age, ok)
		}
		a.set(func() { a.err = nil })
		<-time.After(2 * DefaultRefresh)
		if age, _ := d.Age(time.Now()); age > 2*DefaultRefresh {
			t.Errorf("age %v after the provider came back", age)
		}
	})
	// The first fetch was good, the second failed.
	if r := reports[1]; !errors.Is(r.Err, down) || r.Counts.Linked != 1 {
		t.Errorf("report %+v", r)
	}
	if !strings.Contains(log.String(), "no route") {
		t.Errorf("log %q", log.String())
	}
}

func TestNothingKnownYet(t *testing.T) {
	a := newAccount()
	a.err = errors.New("no route")
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		expect(t, d, linked, "", time.Now(), call.LinkageNotKnown)
		d.Invalidate(phone(t, linked))
		if _, ok := d.Age(time.Now()); ok || !d.FetchedAt().IsZero() || d.Counts() != (Counts{}) {
			t.Error("it claims to know something")
		}
		a.set(func() { a.err = nil })
		<-time.After(DefaultMinInterval)
		expect(t, d, linked, "", time.Now(), call.Linked)
	})
}

func TestAppDeletedWhileFetching(t *testing.T) {
	a := newAccount()
	a.during = func() { a.set(func() { delete(a.apps, "b") }) }
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		expect(t, d, linked, "", time.Now(), call.Linked)
	})
	// A 404 that is not the provider's own says nothing about the app.
	b := newAccount()
	b.during = func() { b.set(func() { b.err = &StatusError{Status: 404, Message: "Cannot GET"} }) }
	inBubble(t, b, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		expect(t, d, linked, "", time.Now(), call.LinkageNotKnown)
	})
}

func TestNumbersAreAskedForEightAtATime(t *testing.T) {
	a := newAccount()
	for i := range 50 {
		a.apps[strings.Repeat("x", i+1)] = StatusActive
	}
	a.slow = time.Second
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		expect(t, d, linked, "", time.Now(), call.Linked)
		if a.peak != fetchConcurrency {
			t.Errorf("%d at once", a.peak)
		}
	})
}

// TestEmptyDirectoryRetriesSoon after the provider is back, however long it
// was away: the account stands still until then, and the log says so.
func TestEmptyDirectoryRetriesSoon(t *testing.T) {
	a := newAccount()
	a.err = errors.New("connection refused")
	var log bytes.Buffer
	inBubble(t, a, DirectoryConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(t *testing.T, d *Directory) {
		<-time.After(time.Hour)
		a.set(func() { a.err = nil })
		<-time.After(maxEmptyRetryDelay)
		synctest.Wait()
		if d.isEmpty() {
			t.Error("nothing is known yet")
		}
		for text, want := range map[string]bool{"nothing is dialled before that": true, "known now": true, "is kept": false} {
			if strings.Contains(log.String(), text) != want {
				t.Errorf("the log says %q: %t", text, !want)
			}
		}
	})
}

// TestNewKeyRefetches at once, although the provider is asked seldom
// while it refuses the key.
func TestNewKeyRefetches(t *testing.T) {
	a := newAccount()
	a.err = &StatusError{Path: "/sfvopi/apps", Status: 401}
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
		<-time.After(time.Hour)
		if n := a.fetched(); n > 130 {
			t.Errorf("asked %d times in an hour", n)
		}
		a.set(func() { a.err = nil })
		d.Refetch()
		synctest.Wait()
		if d.isEmpty() {
			t.Error("nothing is known yet")
		}
	})
}

// TestAcceptedKeyFillsTheDirectory within half a minute, although it is
// the same key.
func TestAcceptedKeyFillsTheDirectory(t *testing.T) {
	for seconds := range 10 { // wherever the pause between two questions stands
		a := newAccount()
		a.err = &StatusError{Path: "/sfvopi/apps", Status: 401}
		inBubble(t, a, DirectoryConfig{}, func(t *testing.T, d *Directory) {
			<-time.After(time.Hour + time.Duration(seconds)*7*time.Second)
			a.set(func() { a.err = nil })
			<-time.After(maxRefusedRetryDelay)
			synctest.Wait()
			if d.isEmpty() {
				t.Error("nothing is known yet")
			}
		})
	}
}

// TestLookupTimeout although the fetch that it waits for goes on.
func TestLookupTimeout(t *testing.T) {
	a := newAccount()
	inBubble(t, a, DirectoryConfig{LookupTimeout: 5 * time.Second}, func(t *testing.T, d *Directory) {
		<-time.After(DefaultMinInterval)
		a.set(func() { a.slow = time.Minute })
		began := time.Now()
		expect(t, d, foreign, "", time.Now(), call.LinkageNotKnown)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it waited for %s", took)
		}
	})
}

// TestCopyStateFrom is believed of numbers that are linked, and of
// nothing else, until a fetch of its own succeeded.
func TestCopyStateFrom(t *testing.T) {
	a := newAccount()
	inBubble(t, a, DirectoryConfig{}, func(t *testing.T, before *Directory) {
		<-time.After(time.Minute + 10*time.Second) // it was fetched twice
		expect(t, before, foreign, "", time.Now().Add(-time.Hour), call.NotOwned)

		other := newAccount()
		other.err = errors.New("down")
		d := NewDirectory(DirectoryConfig{Lookups: other})
		if !d.CopyStateFrom(before) || d.Counts() != before.Counts() || d.FetchedAt() != before.FetchedAt() {
			t.Errorf("inherited: %+v of %s", d.Counts(), d.FetchedAt())
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { d.Run(ctx) })
		synctest.Wait()
		expect(t, d, linked, "a", time.Now(), call.Linked)
		for _, number := range []string{inactive, owned, foreign} {
			expect(t, d, number, "", time.Now().Add(-time.Hour), call.LinkageNotKnown)
		}
		other.set(func() { other.err = nil })
		<-time.After(2 * time.Minute)
		expect(t, d, owned, "", time.Now().Add(-time.Hour), call.OwnedNotLinked)
		expect(t, d, foreign, "", time.Now().Add(-time.Hour), call.NotOwned)
		cancel()
		running.Wait()
	})
	if d := NewDirectory(DirectoryConfig{}); d.CopyStateFrom(NewDirectory(DirectoryConfig{})) || !d.FetchedAt().IsZero() {
		t.Error("something is known of nothing")
	}
}

// TestUnreadableEntriesLeaveNumbersUnknown: what could not be read may be the number
// that is asked for.
func TestUnreadableEntriesLeaveNumbersUnknown(t *testing.T) {
	var log bytes.Buffer
	a := newAccount()
	a.odd = 1
	inBubble(t, a, DirectoryConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(t *testing.T, d *Directory) {
		<-time.After(3 * time.Minute)
		expect(t, d, linked, "", time.Now(), call.Linked)
		expect(t, d, owned, "", time.Now().Add(-time.Hour), call.OwnedNotLinked)
		expect(t, d, foreign, "", time.Now().Add(-time.Hour), call.LinkageNotKnown)
		a.set(func() { a.odd = 0 })
		<-time.After(3 * time.Minute)
		expect(t, d, foreign, "", time.Now().Add(-time.Hour), call.NotOwned)
	})
	if n := strings.Count(log.String(), "cannot be read and are skipped"); n != 1 {
		t.Errorf("it is said %d times: %s", n, log.String())
	}
}
