package sfvopi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/ringonce/ringonce/call"
)

// Bounds of what is read of a response to a look-up.
const (
	maxLookupSize   = 4 << 20 // bytes
	maxApps         = 5_000
	maxNumbers      = 50_000 // of one response
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
	ID     string
	Status string
}

// Number is a number of the account, as the provider writes it: linked to an
// app, or available.
type Number struct {
	Number string
	Status string
}

// Apps lists the apps of the account, active or not. A response that is not a list
// is an error, never an empty list; unreadable counts the entries that were skipped
// because they could not be read.
func (c *Client) Apps(ctx context.Context) (apps []App, unreadable int, err error) {
	return list(ctx, c, "/apps", maxApps, func(e entry) (App, bool) {
		id, ok := e.name("app_id")
		status, _ := e.text("status") // without one it counts as undocumented
		return App{ID: id, Status: status}, ok && validAppID(id)
	})
}

// Numbers lists the numbers linked to an app.
func (c *Client) Numbers(ctx context.Context, appID string) (numbers []Number, unreadable int, err error) {
	if !validAppID(appID) {
		return nil, 0, errAppID
	}
	return c.numbers(ctx, "/apps/"+url.PathEscape(appID)+"/numbers")
}

// AvailableNumbers lists the numbers that the account owns and that are not
// linked to an app.
func (c *Client) AvailableNumbers(ctx context.Context) (numbers []Number, unreadable int, err error) {
	return c.numbers(ctx, "/available-numbers")
}

// Probe makes a request that rings no phone, to learn whether the provider answers
// and accepts the key.
func (c *Client) Probe(ctx context.Context) error {
	if _, _, err := c.Apps(ctx); err != nil {
		return fmt.Errorf("probe the provider: %w", err)
	}
	return nil
}

func (c *Client) numbers(ctx context.Context, path string) (numbers []Number, unreadable int, err error) {
	return list(ctx, c, path, maxNumbers, func(e entry) (Number, bool) {
		number, ok := e.name("voip_number")
		status, isText := e.text("status")
		return Number{Number: number, Status: status},
			ok && isText && len(number) <= maxNumberLength && numberKey(number) != ""
	})
}

var (
	errAppID    = errors.New("an app_id is empty, too long, or not fit for a URL")
	errNotAList = errors.New("the answer holds no list in data")
	errTooMany  = errors.New("the answer lists more than is read")
)

// list reads a list that comes in one response. read reports whether an entry can be
// used. A null instead of a list counts as an unreadable entry: what it leaves out is
// not known.
func list[T any](ctx context.Context, c *Client, path string, limit int, read func(entry) (T, bool)) (entries []T, unreadable int, err error) {
	body, key, err := c.get(ctx, path)
	if err != nil {
		return nil, 0, err
	}
	fail := func(err error) ([]T, int, error) { return nil, 0, c.lookupError(path, key, err) }
	// A decoder's error would repeat what it read, so it is not wrapped.
	lists := parseEntry(body)["data"]
	if len(lists) == 0 {
		return fail(errNotAList)
	}
	entries = make([]T, 0)
	unreadable = len(lists) - 1 // of two lists, one is too many
	for _, l := range lists {
		var values []jsontext.Value
		if json.Unmarshal(l, &values, lenient) != nil {
			return fail(errNotAList)
		}
		if l.Kind() == 'n' {
			unreadable++
		}
		if len(entries)+unreadable+len(values) > limit {
			return fail(errTooMany)
		}
		for _, value := range values {
			if e, ok := read(parseEntry(value)); ok {
				entries = append(entries, e)
			} else {
				unreadable++
			}
		}
	}
	return entries, unreadable, nil
}

// entry is a JSON object, with all values of each name.
type entry map[string][]jsontext.Value

// parseEntry reads an object; anything else is nil.
func parseEntry(object []byte) entry {
	d := jsontext.NewDecoder(bytes.NewBuffer(object), lenient)
	if d.PeekKind() != '{' {
		return nil
	}
	_, _ = d.ReadToken() // '{', as peeked
	e := entry{}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil
		}
		e[key] = append(e[key], value.Clone())
	}
	if _, err := d.ReadToken(); err != nil {
		return nil
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil // something follows it
	}
	return e
}

// text returns a string, empty for null or none. ok is false if it has another type,
// is broken, or has two different values.
func (e entry) text(name string) (_ string, ok bool) { return e.read(name, `"`) }

// name returns a string or a number.
func (e entry) name(name string) (_ string, ok bool) { return e.read(name, `"0`) }

func (e entry) read(name, kinds string) (text string, ok bool) {
	for i, value := range e[name] {
		next := ""
		switch {
		case value.Kind() == 'n':
		case !strings.ContainsRune(kinds, rune(value.Kind())):
			return "", false
		case value.Kind() == '0':
			next = string(value)
		case json.Unmarshal(value, &next, lenient) != nil:
			return "", false
		}
		if i > 0 && next != text || strings.ContainsRune(next, utf8.RuneError) {
			return "", false
		}
		text = next
	}
	return text, true
}

// get makes a look-up, and returns the key that it used.
func (c *Client) get(ctx context.Context, path string) (body []byte, key string, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.requestTimeout)
	defer cancel()
	key = c.key()
	fail := func(err error) ([]byte, string, error) { return nil, "", c.lookupError(path, key, err) }
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+path, http.NoBody)
	if err != nil {
		return fail(err)
	}
	request.Header = http.Header{
		"Accept":          {"application/json"},
		"Accept-Encoding": {"identity"},
		"User-Agent":      {userAgent},
		"X-Api-Key":       {key},
	}
	response, err := c.lookups.RoundTrip(request)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = response.Body.Close() }() // closes the connection if it was not read to its end
	body, err = readLimited(response, maxLookupSize)
	if err == nil {
		body, err = decodeBody(body, response.Header, maxLookupSize)
	}
	if err != nil {
		return fail(err)
	}
	body = trimBOM(body)
	if response.StatusCode/100 != 2 {
		message := call.MaskText(readContent(body).message, c.secrets(key)...)
		return nil, "", &StatusError{Path: c.maskPath(path, key), Status: response.StatusCode, Message: message}
	}
	return body, key, nil
}

// maskPath makes a path fit to be logged: its app_id came from the provider.
func (c *Client) maskPath(path, key string) string { return call.MaskText(path, c.secrets(key)...) }

func (c *Client) lookupError(path, key string, err error) error {
	return &lookupError{path: c.maskPath(path, key), text: call.MaskText(err.Error(), c.secrets(key)...), err: err}
}

// validAppID reports whether an id can be one segment of a path.
func validAppID(id string) bool {
	return id != "" && id != "." && id != ".." && len(id) <= maxAppIDLength
}
