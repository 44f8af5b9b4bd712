//go:build !failpoint

package app

import (
	"context"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/dispatcher"
	"github.com/ringonce/ringonce/dispatcher/lane"
)

// In a build with the tag failpoint, failpoints.go wraps the ports of a handler.
// In this one there is nothing of it.

func withFailpoints(*dispatcher.Handler, *lane.Ports) {}

func fetched(ctx context.Context, _ call.Delivery, m dispatcher.Message) (context.Context, dispatcher.Message) {
	return ctx, m
}
