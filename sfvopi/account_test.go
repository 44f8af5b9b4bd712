package sfvopi

import (
	"context"
	"sync"
	"time"
)

// account is a provider's view of one account, changed while it is looked up.
type account struct {
	mu      sync.Mutex
	apps    map[string]string // status by id
	links   map[string]string // app id by number
	free    []string
	err     error
	slow    time.Duration // of every look-up
	odd     int           // entries of each list of numbers that cannot be read
	fetches int
	during  func() // runs after the apps were listed
	asked   int    // look-ups of numbers at once, now
	peak    int
}

func newAccount() *account {
	return &account{
		apps:  map[string]string{"a": StatusActive, "b": StatusActive, "old": StatusInactive},
		links: map[string]string{linked: "a", inactive: "old"},
		free:  []string{owned},
	}
}

const (
	linked   = "+918045678901"
	inactive = "+918045678902"
	owned    = "+918045678903"
	foreign  = "+918045678904"
)

func (a *account) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func (a *account) wait(ctx context.Context) error {
	a.mu.Lock()
	slow, err := a.slow, a.err
	a.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (a *account) AvailableNumbers(ctx context.Context) ([]Number, int, error) {
	a.set(func() { a.fetches++ })
	if err := a.wait(ctx); err != nil {
		return nil, 0, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var numbers []Number
	for _, n := range a.free {
		numbers = append(numbers, Number{Number: n})
	}
	return numbers, a.odd, nil
}

func (a *account) Apps(ctx context.Context) ([]App, int, error) {
	if err := a.wait(ctx); err != nil {
		return nil, 0, err
	}
	a.mu.Lock()
	var apps []App
	for id, status := range a.apps {
		apps = append(apps, App{ID: id, Status: status})
	}
	during := a.during
	a.mu.Unlock()
	if during != nil {
		during()
	}
	return apps, 0, nil
}

func (a *account) Numbers(ctx context.Context, appID string) ([]Number, int, error) {
	a.set(func() { a.asked++; a.peak = max(a.peak, a.asked) })
	defer a.set(func() { a.asked-- })
	if err := a.wait(ctx); err != nil {
		return nil, 0, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.apps[appID]; !ok {
		return nil, 0, &StatusError{Path: "/apps/x/numbers", Status: 404, Message: "SFVoPI app not found"}
	}
	var numbers []Number
	for n, id := range a.links {
		if id == appID {
			numbers = append(numbers, Number{Number: n, Status: StatusActive})
		}
	}
	return numbers, a.odd, nil
}

func (a *account) fetched() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fetches
}
