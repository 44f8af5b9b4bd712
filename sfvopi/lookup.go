package sfvopi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"github.com/ringonce/ringonce/call"
)

// What is read of the answer to a look-up at most.
const (
	maxLookupSize   = 4 << 20 // bytes
	maxApps         = 5_000
	maxNumbers      = 50_000 // of one answer
	maxAppIDLength  = 128    // bytes
	maxNumberLength = 32     // bytes
)

// The statuses of apps and of links that the provider's documentation names.
const (
	StatusActive   = "ACTIVE"
	StatusInactive = "INACTIVE"
)

// App is an app of the account. Its id is opaque.
type App struct {
	ID     string `json:"app_id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

// Number is a number of the account, as the provider writes it: linked to an
// app, or available.
type Number struct {
	Number string `json:"voip_number"`
	Status string `json:"status"`
}

// Apps lists the apps of the account, active or not. An answer that is not a
// list of apps is an error, never an empty list.
func (c *Client) Apps(ctx context.Context) ([]App, error) {
	apps, err := list[App](ctx, c, "/apps", maxApps)
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		if !usableAppID(a.ID) {
			return nil, &lookupError{"/apps", errAppID}
		}
	}
	return apps, nil
}

// Numbers lists the numbers linked to an app.
func (c *Client) Numbers(ctx context.Context, appID string) ([]Number, error) {
	if !usableAppID(appID) {
		return nil, errAppID
	}
	return c.numbers(ctx, "/apps/"+url.PathEscape(appID)+"/numbers")
}

// AvailableNumbers lists the numbers that the account owns and that are not
// linked to an app.
func (c *Client) AvailableNumbers(ctx context.Context) ([]Number, error) {
	return c.numbers(ctx, "/available-numbers")
}

// Probe makes a request that rings nobody, to learn whether the provider
// answers and takes the key.
func (c *Client) Probe(ctx context.Context) error {
	if _, err := c.Apps(ctx); err != nil {
		return fmt.Errorf("probe the provider: %w", err)
	}
	return nil
}

func (c *Client) numbers(ctx context.Context, path string) ([]Number, error) {
	numbers, err := list[Number](ctx, c, path, maxNumbers)
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		if n.Number == "" || len(n.Number) > maxNumberLength {
			return nil, &lookupError{path, errNumber}
		}
	}
	return numbers, nil
}

var (
	errAppID    = errors.New("an app_id is empty, too long, or not fit for a URL")
	errNumber   = errors.New("a voip_number is missing or too long")
	errNotAList = errors.New("the answer holds no list in data, or one of another form")
	errTooMany  = errors.New("the answer lists more than is read")
)

// list reads a list that the provider answers whole.
func list[T any](ctx context.Context, c *Client, path string, limit int) ([]T, error) {
	body, err := c.get(ctx, path)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data []T `json:"data"`
	}
	// A decoder's error would repeat what it read, so it is not passed on.
	if json.Unmarshal(body, &answer) != nil || answer.Data == nil {
		return nil, &lookupError{path, errNotAList}
	}
	if len(answer.Data) > limit {
		return nil, &lookupError{path, errTooMany}
	}
	return answer.Data, nil
}

func (c *Client) get(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+path, http.NoBody)
	if err != nil {
		return nil, &lookupError{path, err}
	}
	request.Header = http.Header{
		"Accept":     {"application/json"},
		"User-Agent": {userAgent},
		"X-Api-Key":  {c.key()},
	}
	response, err := c.lookups.RoundTrip(request)
	if err != nil {
		return nil, &lookupError{path, err}
	}
	defer func() { _ = response.Body.Close() }() // closes the connection if it was not read to its end
	body, err := readBounded(response, maxLookupSize)
	if err != nil {
		return nil, &lookupError{path, err}
	}
	if response.StatusCode/100 != 2 {
		return nil, &StatusError{Path: path, Status: response.StatusCode, Message: errorMessage(body)}
	}
	return body, nil
}

// errorMessage gives the masked message of the provider's error envelope, or
// nothing.
func errorMessage(body []byte) string {
	var e struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	return call.MaskText(e.Message)
}

// usableAppID reports whether an id can stand as one segment of a path.
func usableAppID(id string) bool {
	return id != "" && id != "." && id != ".." && len(id) <= maxAppIDLength
}
