package configs

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// normaliseBaseURL strips what people add to the provider's base URL: slashes,
// and the /sfvopi with which every path of the API begins.
func normaliseBaseURL(base string) string {
	for {
		shorter := strings.TrimSuffix(strings.TrimRight(base, "/"), "/sfvopi")
		if shorter == base {
			return base
		}
		base = shorter
	}
}

// checkHTTPURL judges an http or https URL. The fault never holds the URL: it
// may contain a password or a token.
func checkHTTPURL(text string) *fault {
	return checkURL(text, "write it like https://example.com/path", "http", "https")
}

func checkURL(text, fix string, schemes ...string) *fault {
	u, err := url.Parse(text)
	if err != nil {
		return &fault{"is not a URL", fix}
	}
	switch {
	case u.User != nil:
		return &fault{"holds user information", "remove what stands before the @ in it"}
	case !slices.Contains(schemes, u.Scheme):
		return &fault{"must begin with " + strings.Join(schemes, ":// or ") + "://", fix}
	case u.Hostname() == "":
		return &fault{"has no host", fix}
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return &fault{"has a port outside of 1 to 65535", "correct the port"}
		}
	}
	return nil
}

// checkServerURL judges one of the broker's addresses. The client accepts
// host:port as well as a URL.
func checkServerURL(text string) *fault {
	if text == "" {
		return &fault{"is empty", "write it like nats://127.0.0.1:4222"}
	}
	if !strings.Contains(text, "://") {
		text = "nats://" + text
	}
	f := checkURL(text, "write it like nats://127.0.0.1:4222", "nats", "tls", "ws", "wss")
	if f != nil && strings.HasPrefix(f.rule, "holds user") {
		f.fix = "give nats.user and nats.password, or nats.token, instead"
	}
	return f
}
