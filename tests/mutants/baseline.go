package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// baseline runs the tests that noticed a fault on the code as it is. One that fails
// there, too, has noticed nothing.
func baseline(ctx context.Context, noticed map[string][]string) error {
	var failed []error
	for _, suite := range slices.Sorted(maps.Keys(noticed)) {
		args := append([]string{"test", "-vet=off", "-count=1"}, strings.Fields(suite)...)
		if names := noticed[suite]; len(names) > 0 {
			slices.Sort(names)
			args = append(args, "-run", "^("+strings.Join(slices.Compact(names), "|")+")$")
		}
		if out, err := command(ctx, "go", args...).CombinedOutput(); err != nil {
			failed = append(failed, fmt.Errorf("%s: what noticed a fault there fails without one, too: %w\n%s", suite, err, out))
		}
	}
	return errors.Join(failed...)
}
