package sfvopi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// fetchConcurrency is how many apps are asked for their numbers at once.
	fetchConcurrency = 8
	// fetchTimeout bounds one fetch as a whole.
	fetchTimeout = 2 * time.Minute
)

// Lookups is what a directory asks the provider. A [Client] answers it.
type Lookups interface {
	// Each also counts the odd entries, which could not be read.
	Apps(ctx context.Context) (apps []App, odd int, err error)
	// Numbers fails with a [*StatusError] of status 404 if the app is gone.
	Numbers(ctx context.Context, appID string) (numbers []Number, odd int, err error)
	AvailableNumbers(ctx context.Context) (numbers []Number, odd int, err error)
}

// appNumbers is an app with the numbers linked to it.
type appNumbers struct {
	app     App
	numbers []Number
	odd     int
}

// fetch asks for everything the directory is made of, in the order that
// [newSnapshot] relies on.
func fetch(ctx context.Context, lookups Lookups, start departure) (*snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()

	free, odd, err := lookups.AvailableNumbers(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up available numbers: %w", err)
	}
	apps, oddApps, err := lookups.Apps(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up apps: %w", err)
	}
	all := make([]appNumbers, len(apps))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetchConcurrency)
	for i, app := range apps {
		group.Go(func() error {
			numbers, oddNumbers, err := lookups.Numbers(ctx, app.ID)
			var status *StatusError
			if errors.As(err, &status) && status.appNotFound() {
				err = nil // deleted since the apps were listed: it has no numbers
			}
			if err != nil {
				return fmt.Errorf("look up the numbers of an app: %w", err)
			}
			all[i] = appNumbers{app: app, numbers: numbers, odd: oddNumbers}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, a := range all {
		odd += a.odd
	}
	return newSnapshot(start, free, all, odd+oddApps), nil
}
