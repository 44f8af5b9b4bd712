package sfvopi

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ProbeReachable makes a request that rings nobody, to learn whether a call is worth
// risking again. It fails if nothing answers, if something in between does, and
// if the provider says itself that it is not available. Every other answer is
// the provider's own, a refused key included: what it means for calls, a call
// tells.
func (c *Client) ProbeReachable(ctx context.Context) error {
	_, _, err := c.Apps(ctx)
	var status *StatusError
	if err == nil || errors.As(err, &status) && status.fromWithin() {
		return nil
	}
	return fmt.Errorf("reach the provider: %w", err)
}

// unavailableTexts are by which the provider calls itself unavailable: a looser
// list than that of the rules, because asking again costs nothing.
var unavailableTexts = []string{"unavailable", "overloaded", "maintenance", "too many", "try again"}

// fromWithin reports whether the provider itself answered, and does not call
// itself unavailable. Look-ups that fail while the rest works are its own
// answer, too: they must not keep calls back.
func (e *StatusError) fromWithin() bool {
	return e.Status/100 != 5 || e.Message != "" && !containsAny(strings.ToLower(e.Message), unavailableTexts)
}
