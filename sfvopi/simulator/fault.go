package simulator

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Fault is one entry of the closed catalogue: a way in which the provider, or a
// gateway in front of it, answers or fails to answer. Entries do not change; a
// [Rule] fills their placeholders.
type Fault struct {
	// Name selects the fault in rules, and is its result in the oracle.
	Name string `json:"name"`
	// Magic are the four digits after +9190000 in the magic callee that meets
	// this fault; empty where only a rule can choose it.
	Magic string `json:"magic,omitzero"`
	// Scope says which requests the fault applies to.
	Scope Scope `json:"scope"`
	// Behaviour is what happens on the connection.
	Behaviour Behaviour `json:"behaviour"`
	// Status is the HTTP status; 0 where none is sent.
	Status int `json:"status,omitzero"`
	// Message is the text of the {"message"} envelope, with placeholders; if it
	// is empty, Body is the answer instead.
	Message string `json:"message,omitzero"`
	// Body is an answer that is not an error envelope, with placeholders.
	Body string `json:"body,omitzero"`
	// Header holds the answer's own headers, with placeholders in the values.
	Header map[string]string `json:"header,omitzero"`
	// Rings says whether the call goes out although the fault applies: it is
	// accepted before anything is answered.
	Rings bool `json:"rings"`
	// Error is what {error} stands for, unless the rule says otherwise.
	Error string `json:"error,omitzero"`
	// Delay holds the answer back, unless the rule says otherwise.
	Delay time.Duration `json:"delay,omitzero"`
	// About describes in a few words what this is in practice.
	About string `json:"about"`

	// ending is how the call that rang comes to its end, if not by the rule's.
	ending Ending
}

// Scope says which requests a fault applies to, and which a rule matches.
type Scope string

// The scopes.
const (
	// Calls are POST /sfvopi/calls.
	Calls Scope = "calls"
	// Lookups are all other requests of the provider's contract.
	Lookups Scope = "lookups"
	// Hooks are the ring and hangup hooks of accepted calls.
	Hooks Scope = "hooks"
	// Any is calls and look-ups, for faults alone.
	Any Scope = "any"
)

// Behaviour is what happens on the connection.
type Behaviour string

// The behaviours.
const (
	// Answer sends a whole HTTP answer.
	Answer Behaviour = "answer"
	// CutShort announces more bytes than it sends, then closes.
	CutShort Behaviour = "cut_short"
	// Stall sends a status and half a body, then nothing until the client leaves.
	Stall Behaviour = "stall"
	// NotHTTP sends bytes that are no HTTP answer, then closes.
	NotHTTP Behaviour = "not_http"
	// Close reads the request and closes the connection.
	Close Behaviour = "close"
	// Reset reads the request and resets the connection.
	Reset Behaviour = "reset"
	// Hang reads the request and never answers.
	Hang Behaviour = "hang"
	// CloseUnread closes without having read the body.
	CloseUnread Behaviour = "close_unread"
	// ResetUnread resets without having read the body.
	ResetUnread Behaviour = "reset_unread"
	// AnswerUnread answers without having read the body.
	AnswerUnread Behaviour = "answer_unread"
)

// unread reports whether the fault applies before the body is read, so before
// anyone can know the callee.
func (b Behaviour) unread() bool {
	return b == CloseUnread || b == ResetUnread || b == AnswerUnread
}

var (
	catalogue = slices.Concat(
		acceptedFaults(), successFaults(), clientErrorFaults(), serverErrorFaults(), initiateFaults(),
		webhookFaults(), gatewayFaults(), lookupFaults(), connectionFaults(),
	)
	faultByName  = indexBy(catalogue, func(f *Fault) string { return f.Name })
	faultByMagic = indexBy(catalogue, func(f *Fault) string { return f.Magic })
)

// Faults is the whole catalogue, in the order of the documentation.
func Faults() []Fault {
	faults := slices.Clone(catalogue)
	for i := range faults {
		faults[i].Header = maps.Clone(faults[i].Header)
	}
	return faults
}

// FaultByName finds an entry of the catalogue.
func FaultByName(name string) (Fault, bool) {
	found, ok := faultByName[name]
	if !ok {
		return Fault{}, false
	}
	fault := *found
	fault.Header = maps.Clone(fault.Header)
	return fault, true
}

func indexBy[T any](list []T, key func(*T) string) map[string]*T {
	byKey := make(map[string]*T, len(list))
	for i := range list {
		if k := key(&list[i]); k != "" {
			byKey[k] = &list[i]
		}
	}
	return byKey
}

// errorAnswer is an error in the provider's envelope that rings no phone.
func errorAnswer(magic, name string, status int, message, about string) Fault {
	return Fault{
		Name: name, Magic: magic, Scope: Any, Behaviour: Answer,
		Status: status, Message: message, About: about,
	}
}

// htmlError is a gateway's HTML page that rings no phone.
func htmlError(magic, name string, status int, title, about string) Fault {
	return Fault{
		Name: name, Magic: magic, Scope: Any, Behaviour: Answer,
		Status: status, Body: htmlPage(title), Header: map[string]string{"Content-Type": "text/html"},
		About: about,
	}
}

func (f Fault) withHeader(name, value string) Fault {
	header := map[string]string{name: value}
	for key, each := range f.Header {
		header[key] = each
	}
	f.Header = header
	return f
}

// afterRing is the fault on a call that went out.
func (f Fault) afterRing() Fault {
	f.Rings, f.Scope = true, Calls
	return f
}

// rangVariant is the same answer after the phone rang: the two that a caller cannot
// tell apart.
func (f Fault) rangVariant(magic string) Fault {
	f = f.afterRing()
	f.Name, f.Magic, f.About = f.Name+"_rang", magic, "the same answer, after the phone rang"
	return f
}

func htmlPage(title string) string {
	return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" +
		title + "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
}

// placeholders are what the catalogue's texts may leave open.
type placeholders struct {
	number, err, status, uuid, location, retrySeconds, retryDate string
}

func (p placeholders) fill(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	padding := ""
	if strings.Contains(text, "{padding}") {
		padding = strings.Repeat("x", paddingBytes)
	}
	return strings.NewReplacer(
		"{padding}", padding,
		"{number}", p.number, "{error}", p.err, "{status}", p.status,
		"{request_uuid}", p.uuid, "{location}", p.location,
		"{retry_seconds}", p.retrySeconds, "{retry_date}", p.retryDate,
	).Replace(text)
}
