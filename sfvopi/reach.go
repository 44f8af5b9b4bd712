package sfvopi

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ProbeReachable makes a request that rings no phone, to learn whether a call is worth
// risking. It fails if nothing responds, if a gateway responds, or if the provider
// says that it is unavailable. Every other response is the provider's own, even a
// refused key: only a call shows what that means for calls.
func (c *Client) ProbeReachable(ctx context.Context) error {
	_, _, err := c.Apps(ctx)
	var status *StatusError
	if err == nil || errors.As(err, &status) && status.fromProvider() {
		return nil
	}
	return fmt.Errorf("reach the provider: %w", err)
}

// unavailableTexts mean that the provider is unavailable. The list is looser than
// the rules, because probing again costs nothing.
var unavailableTexts = []string{"unavailable", "overloaded", "maintenance", "too many", "try again"}

// fromProvider reports whether the provider itself responded, and does not say that
// it is unavailable. A look-up that fails while the rest works is such a response:
// it must not stop calls.
func (e *StatusError) fromProvider() bool {
	return e.Status/100 != 5 || e.Message != "" && !containsAny(strings.ToLower(e.Message), unavailableTexts)
}
