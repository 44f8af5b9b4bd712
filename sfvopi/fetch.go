package sfvopi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// fetchConcurrency is how many numbers look-ups run at once.
	fetchConcurrency = 8
	// fetchTimeout bounds one fetch as a whole.
	fetchTimeout = 2 * time.Minute
)

// Lookups are the requests of a directory. A [Client] implements it.
type Lookups interface {
	// Each also counts the entries that could not be read.
	Apps(ctx context.Context) (apps []App, unreadable int, err error)
	// Numbers fails with a [*StatusError] of status 404 if the app is gone.
	Numbers(ctx context.Context, appID string) (numbers []Number, unreadable int, err error)
	AvailableNumbers(ctx context.Context) (numbers []Number, unreadable int, err error)
}

// appNumbers is an app with the numbers linked to it.
type appNumbers struct {
	app        App
	numbers    []Number
	unreadable int
}

// fetch looks up everything in a directory, in the order that [newSnapshot] relies
// on.
func fetch(ctx context.Context, lookups Lookups, start fetchStart) (*snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()

	free, unreadable, err := lookups.AvailableNumbers(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up available numbers: %w", err)
	}
	apps, unreadableApps, err := lookups.Apps(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up apps: %w", err)
	}
	all := make([]appNumbers, len(apps))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetchConcurrency)
	for i, app := range apps {
		group.Go(func() error {
			numbers, unreadableNumbers, err := lookups.Numbers(ctx, app.ID)
			var status *StatusError
			if errors.As(err, &status) && status.appNotFound() {
				err = nil // deleted since the apps were listed: it has no numbers
			}
			if err != nil {
				return fmt.Errorf("look up the numbers of an app: %w", err)
			}
			all[i] = appNumbers{app: app, numbers: numbers, unreadable: unreadableNumbers}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, a := range all {
		unreadable += a.unreadable
	}
	return newSnapshot(start, free, all, unreadable+unreadableApps), nil
}
