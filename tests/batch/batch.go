// Package batch makes requests for tests. The kind of a request says how it ends if
// nothing breaks.
package batch

import (
	"fmt"
	"time"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// Kind is how a request ends if nothing breaks.
type Kind string

// The kinds.
const (
	Healthy     Kind = "healthy"   // placed at once
	Refused     Kind = "refused"   // refused once, then placed
	Rejected    Kind = "rejected"  // can never be placed
	Suspended   Kind = "suspended" // meets a refused key once, which suspends the account
	Lost        Kind = "lost"      // rings, and its first answer is lost
	Silent      Kind = "silent"    // rings, and its first answer never comes
	Gateway     Kind = "gateway"   // rings, and a gateway answers 504 the first time
	Slow        Kind = "slow"      // rings, and its first answer comes too late
	Unlinked    Kind = "unlinked"  // calls from a number that is not linked
	Expired     Kind = "expired"   // too late when it is published
	Later       Kind = "later"     // not before some seconds from now
	Duplicate   Kind = "twin"      // published twice
	Conflicting Kind = "rival"     // its id is used for another request, too
	Malformed   Kind = "malformed" // is no request at all
)

// faults are what the callee's number makes the provider do.
var faults = map[Kind]string{
	Refused:   "service_temporarily_unavailable",
	Rejected:  "initiate_invalid_number",
	Suspended: "unauthorized",
	Lost:      "answer_lost_close",
	Silent:    "hang_rang",
	Gateway:   "gateway_504_html_rang",
	Slow:      "slow_answer",
}

// notBefore is how far ahead a request of kind Later lies: more than a worker
// takes to start on a busy machine.
const notBefore = 5 * time.Second

// Message is one publish.
type Message struct{ Name, Body string }

// Messages returns the publishes of the i-th request.
func (k Kind) Messages(i int, now time.Time) []Message {
	name := fmt.Sprintf("%s-%d", k, i)
	from, to := simulator.DefaultNumber, fmt.Sprintf("+9198765%05d", i)
	if fault, ok := faults[k]; ok {
		to = simulator.MagicCallee(fault, 1)
	}
	if k == Unlinked {
		from = simulator.DefaultAvailableNumber
	}
	fields := fmt.Sprintf(`"id":%q,"from":%q,"to":%q,"answer_url":"https://publisher.example/answer/%s"`, name, from, to, name)
	body := func(more string) string { return "{" + fields + more + "}" }
	switch k {
	case Expired:
		return []Message{{name, body(fmt.Sprintf(`,"expires_at":%q`, now.Add(-time.Minute).UTC().Format(time.RFC3339)))}}
	case Later:
		return []Message{{name, body(fmt.Sprintf(`,"not_before":%q`, now.Add(notBefore).UTC().Format(time.RFC3339Nano)))}}
	case Malformed:
		return []Message{{name, `{"from":`}}
	case Duplicate:
		return []Message{{name, body("")}, {name + "-again", body("")}}
	case Conflicting:
		return []Message{{name, body("")}, {name + "-other", body(`,"ring_timeout":33`)}}
	case Healthy, Refused, Rejected, Suspended, Lost, Silent, Gateway, Slow, Unlinked:
		return []Message{{name, body("")}}
	default:
		panic("a kind that is not known: " + string(k))
	}
}

// Mix mixes the kinds, each twice, with healthy requests.
func Mix(kinds ...Kind) []Kind {
	mixed := []Kind{Healthy, Healthy}
	for _, k := range kinds {
		mixed = append(mixed, k, Healthy, k)
	}
	return mixed
}
