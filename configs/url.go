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

var pathOfAPI = regexp.MustCompile(`(?i)/+sfvopi(/.*)?$`)

// normaliseBaseURL strips what people add to the provider's base URL: slashes,
// and the /sfvopi with which every path of the API begins.
func normaliseBaseURL(base string) string {
	for {
		shorter := strings.TrimSuffix(strings.TrimRight(base, "/"), apiPath)
		if shorter == base {
			return base
		}
		base = shorter
	}
}

// checkBaseURL judges the provider's base URL, to which the paths of the API
// are appended.
func checkBaseURL(text string) *fault {
	if f := checkHTTPURL(text); f != nil {
		return f
	}
	if strings.ContainsAny(text, "?#") {
		return &fault{"must not have a query or a fragment", "remove what stands after ? or #"}
	}
	text = normaliseBaseURL(text)
	if at := pathOfAPI.FindStringIndex(text); at != nil {
		return &fault{"ends in " + quote(text[at[0]:]) + ", which is a path of the API", "write " + text[:at[0]]}
	}
	return nil
}

// checkHTTPURL judges an http or https URL. The fault never holds the URL: it
// may contain a password or a token.
func checkHTTPURL(text string) *fault {
	_, f := checkURL(text, "write it like https://example.com/path", "http", "https")
	return f
}

// checkURL refuses a URL that nothing can be reached by.
func checkURL(text, fix string, schemes ...string) (*url.URL, *fault) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, &fault{"is empty", fix}
	case err != nil || strings.ContainsAny(text, " \\"):
		return nil, &fault{"is not a URL", fix}
	case u.User != nil:
		return nil, &fault{"holds user information", "remove what stands before the @ in it"}
	case !slices.Contains(schemes, u.Scheme):
		return nil, &fault{"must begin with " + strings.Join(schemes, ":// or ") + "://", fix}
	case u.Hostname() == "":
		return nil, &fault{"has no host", fix}
	case !isHost(u.Hostname()):
		return nil, &fault{"has a host that is neither a name nor an IP address", fix}
	}
	if _, port, ok := strings.Cut(strings.TrimPrefix(u.Host, "["+u.Hostname()+"]"), ":"); ok {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, &fault{"has a port outside of 1 to 65535", "correct the port"}
		}
	}
	return u, nil
}

var (
	hostName = regexp.MustCompile(`^[\pL\pN_]([\pL\pN_-]*[\pL\pN_])?(\.[\pL\pN_]([\pL\pN_-]*[\pL\pN_])?)*\.?$`)
	// numeric is a name that only an IP address can be: its last part is digits.
	numeric = regexp.MustCompile(`(^|\.)[0-9]+$`)
)

func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return len(host) <= 253 && hostName.MatchString(host) && !numeric.MatchString(host)
}

// checkServers judges the broker's addresses. The client accepts host:port as
// well as a URL, and one kind of connection at a time.
func checkServers(list string) *fault {
	const fix = "write it like nats://127.0.0.1:4222"
	servers, websockets := strings.Split(list, ","), 0
	var rules []string
	var last *fault
	for i, server := range servers {
		server = strings.TrimSpace(server)
		if !strings.Contains(server, "://") && server != "" {
			server = "nats://" + server
		}
		u, f := checkURL(server, fix, "nats", "tls", "ws", "wss")
		switch {
		case f != nil && strings.HasPrefix(f.rule, "holds user"):
			f.fix = "give nats.user and nats.password, or nats.token, instead"
		case f == nil && strings.HasPrefix(u.Scheme, "ws"):
			websockets++
		case f == nil && (strings.Trim(u.Path, "/") != "" || strings.ContainsAny(server, "?#")):
			f = &fault{"has something after the port", fix}
		}
		if f != nil && len(servers) > 1 {
			f.rule = fmt.Sprintf("entry %d %s", i+1, f.rule)
		}
		if f != nil {
			rules, last = append(rules, f.rule), f
		}
	}
	switch {
	case last != nil:
		return &fault{strings.Join(rules, ", "), last.fix}
	case websockets != 0 && websockets != len(servers):
		return &fault{"mixes ws:// or wss:// with other addresses", "use one kind for all of them"}
	}
	return nil
}

func checkAddress(address string) *fault {
	const fix = "write it like :8080 or 127.0.0.1:8080"
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return &fault{"must be host:port or :port, is " + quote(address), fix}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return &fault{"has the port " + quote(port) + ", which is no number from 0 to 65535", fix}
	}
	if host != "" && !isHost(host) {
		return &fault{"has the host " + quote(host) + ", which is neither a name nor an IP address", fix}
	}
	return nil
}

// domainPattern is the form of a JetStream domain, a token of subjects.
var domainPattern = regexp.MustCompile(`^[^\s.*>]+$`)

func checkDomain(domain string) *fault {
	if !domainPattern.MatchString(domain) {
		return &fault{"is no JetStream domain: " + quote(domain), "write the domain of the server's jetstream block, without dots, spaces, * and >"}
	}
	return nil
}

var namedKey = regexp.MustCompile(`(?i)^([\w-]*api[_-]?key|authorization)\s*[=:]`)

// checkAPIKey judges a key, which travels in an HTTP header. The fault never
// holds any of it.
func checkAPIKey(key string) *fault {
	const fix = "copy the key again, alone and without quotes"
	switch {
	case key == "":
		return &fault{"is empty", fix}
	case len(key) > longestValue:
		return &fault{fmt.Sprintf("is longer than %d bytes", longestValue), fix}
	case strings.ContainsAny(key[:1]+key[len(key)-1:], "\"'`"):
		return &fault{"begins or ends with a quote", fix}
	case unexpanded.MatchString(key) || strings.HasPrefix(key, "$"):
		return &fault{"holds a placeholder, such as ${NAME}, that was not replaced", "write the key itself; nothing is expanded here"}
	case namedKey.MatchString(key):
		return &fault{"begins with a name and not with the key", fix}
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return &fault{"holds a space, a control character or one that is not ASCII", fix}
	}
	return nil
}

// checkMessages judges a list of messages of the provider.
func checkMessages(text string) *fault {
	list, f := parseList(text)
	if f != nil {
		return f
	}
	for _, message := range list {
		folded := strings.ToLower(message)
		switch {
		case strings.TrimSpace(message) == "":
			return &fault{"holds an empty message", "write the whole message as the provider sends it, or remove it"}
		case strings.Contains(folded, "answer_url") || strings.Contains(folded, "webhook"):
			return &fault{"holds " + quote(message) + ", which is about the answer webhook", "remove it: that webhook is asked after the callee picked up, so the phone has rung"}
		}
	}
	return nil
}
