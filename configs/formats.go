package configs

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const apiPath = "/sfvopi"

var apiPathSuffix = regexp.MustCompile(`(?i)/+sfvopi(/.*)?$`)

// normaliseBaseURL strips from the provider's base URL trailing slashes, and the
// /sfvopi with which every path of the API begins.
func normaliseBaseURL(base string) string {
	for {
		shorter := strings.TrimSuffix(strings.TrimRight(base, "/"), apiPath)
		if shorter == base {
			return base
		}
		base = shorter
	}
}

// checkBaseURL checks the provider's base URL, to which the paths of the API are
// appended.
func checkBaseURL(text string) *problem {
	if p := checkHTTPURL(text); p != nil {
		return p
	}
	if strings.ContainsAny(text, "?#") {
		return &problem{"must not have a query or a fragment", "remove the part from ? or # on"}
	}
	text = normaliseBaseURL(text)
	if at := apiPathSuffix.FindStringIndex(text); at != nil {
		return &problem{"ends in " + quote(text[at[0]:]) + ", which is a path of the API", "write " + text[:at[0]]}
	}
	return nil
}

// checkHTTPURL checks an http or https URL. The problem never contains the URL,
// which may hold a password or a token.
func checkHTTPURL(text string) *problem {
	_, p := checkURL(text, "write it like https://example.com/path", "http", "https")
	return p
}

func checkURL(text, fix string, schemes ...string) (*url.URL, *problem) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, &problem{"is empty", fix}
	case err != nil || strings.ContainsAny(text, " \\"):
		return nil, &problem{"is not a URL", fix}
	case u.User != nil:
		return nil, &problem{"contains user information", "remove the part before the @"}
	case !slices.Contains(schemes, u.Scheme):
		return nil, &problem{"must begin with " + strings.Join(schemes, ":// or ") + "://", fix}
	case u.Hostname() == "":
		return nil, &problem{"has no host", fix}
	case !isHost(u.Hostname()):
		return nil, &problem{"has a host that is neither a name nor an IP address", fix}
	}
	if _, port, ok := strings.Cut(strings.TrimPrefix(u.Host, "["+u.Hostname()+"]"), ":"); ok {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, &problem{"has a port outside of 1 to 65535", "correct the port"}
		}
	}
	return u, nil
}

var (
	hostName = regexp.MustCompile(`^[\pL\pN_]([\pL\pN_-]*[\pL\pN_])?(\.[\pL\pN_]([\pL\pN_-]*[\pL\pN_])?)*\.?$`)
	// numeric matches a name that can only be an IP address: its last part is digits.
	numeric = regexp.MustCompile(`(^|\.)[0-9]+$`)
)

func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return len(host) <= 253 && hostName.MatchString(host) && !numeric.MatchString(host)
}

// checkServers checks the broker's addresses. The client accepts host:port as
// well as URLs, and does not mix websockets with other connections.
func checkServers(list string) *problem {
	const fix = "write it like nats://127.0.0.1:4222"
	servers, websockets := strings.Split(list, ","), 0
	var rules []string
	var last *problem
	for i, server := range servers {
		server = strings.TrimSpace(server)
		if !strings.Contains(server, "://") && server != "" {
			server = "nats://" + server
		}
		u, p := checkURL(server, fix, "nats", "tls", "ws", "wss")
		switch {
		case p != nil && strings.HasPrefix(p.rule, "contains user"):
			p.fix = "set nats.user and nats.password, or nats.token, instead"
		case p == nil && strings.HasPrefix(u.Scheme, "ws"):
			websockets++
		case p == nil && (strings.Trim(u.Path, "/") != "" || strings.ContainsAny(server, "?#")):
			p = &problem{"has a path, query or fragment", fix}
		}
		if p != nil && len(servers) > 1 {
			p.rule = fmt.Sprintf("entry %d %s", i+1, p.rule)
		}
		if p != nil {
			rules, last = append(rules, p.rule), p
		}
	}
	switch {
	case last != nil:
		return &problem{strings.Join(rules, ", "), last.fix}
	case websockets != 0 && websockets != len(servers):
		return &problem{"mixes ws:// or wss:// with other addresses", "use one kind for all of them"}
	}
	return nil
}

func checkAddress(address string) *problem {
	const fix = "write it like :8080 or 127.0.0.1:8080"
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return &problem{"must be host:port or :port, is " + quote(address), fix}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return &problem{"has port " + quote(port) + ", which is not a number from 0 to 65535", fix}
	}
	if host != "" && !isHost(host) {
		return &problem{"has host " + quote(host) + ", which is neither a name nor an IP address", fix}
	}
	return nil
}

// domainPattern is the format of a JetStream domain, a token of subjects.
var domainPattern = regexp.MustCompile(`^[^\s.*>]+$`)

func checkDomain(domain string) *problem {
	if !domainPattern.MatchString(domain) {
		return &problem{"is not a JetStream domain: " + quote(domain), "write the domain of the server's jetstream block, without dots, spaces, * and >"}
	}
	return nil
}

var keyWithName = regexp.MustCompile(`(?i)^([\w-]*api[_-]?key|authorization)\s*[=:]`)

// checkAPIKey checks a key, which is sent in an HTTP header. The problem never
// contains any of it.
func checkAPIKey(key string) *problem {
	const fix = "copy the key again, alone and without quotes"
	switch {
	case key == "":
		return &problem{"is empty", fix}
	case len(key) > maxValueSize:
		return &problem{fmt.Sprintf("is longer than %d bytes", maxValueSize), fix}
	case strings.ContainsAny(key[:1]+key[len(key)-1:], "\"'`"):
		return &problem{"begins or ends with a quote", fix}
	case unexpanded.MatchString(key) || strings.HasPrefix(key, "$"):
		return &problem{"contains an unexpanded placeholder, such as ${NAME}", "write the key itself; placeholders are not expanded"}
	case keyWithName.MatchString(key):
		return &problem{"begins with a name instead of the key", fix}
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return &problem{"contains a space, a control character or a non-ASCII character", fix}
	}
	return nil
}

func checkMessages(text string) *problem {
	list, p := parseList(text)
	if p != nil {
		return p
	}
	for _, message := range list {
		folded := strings.ToLower(message)
		switch {
		case strings.TrimSpace(message) == "":
			return &problem{"contains an empty message", "write the whole message as the provider sends it, or remove it"}
		case strings.Contains(folded, "answer_url") || strings.Contains(folded, "webhook"):
			return &problem{"contains " + quote(message) + ", which is about the answer webhook", "remove it: the provider calls that webhook after the callee answered, so the phone has rung"}
		}
	}
	return nil
}
