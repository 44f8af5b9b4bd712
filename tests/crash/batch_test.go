package crash

import (
	"fmt"
	"strings"
	"time"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// kind is what becomes of a request if nothing breaks.
type kind string

const (
	healthy   kind = "healthy"   // placed at once
	refused   kind = "refused"   // refused once, then placed
	rejected  kind = "rejected"  // can never be placed
	suspended kind = "suspended" // meets a refused key once, which suspends the account
	lost      kind = "lost"      // rings, and its first answer is lost
	silent    kind = "silent"    // rings, and its first answer never comes
	gateway   kind = "gateway"   // rings, and a gateway answers 504 the first time
	slow      kind = "slow"      // rings, and its first answer comes too late
	unlinked  kind = "unlinked"  // calls from a number that is not linked
	expired   kind = "expired"   // too late when it is published
	later     kind = "later"     // not before some seconds from now
	twin      kind = "twin"      // published twice
	rival     kind = "rival"     // its id is used for another request, too
	malformed kind = "malformed" // is no request at all
)

// faults are what the callee's number makes the provider do.
var faults = map[kind]string{
	refused:   "service_temporarily_unavailable",
	rejected:  "initiate_invalid_number",
	suspended: "unauthorized",
	lost:      "answer_lost_close",
	silent:    "hang_rang",
	gateway:   "gateway_504_html_rang",
	slow:      "slow_answer",
}

// notBefore is how far ahead a request of kind later lies: more than a worker
// takes to start on a busy machine.
const notBefore = 5 * time.Second

// message is one publish.
type message struct{ name, body string }

// messages gives the publishes of one request.
func (k kind) messages(i int, now time.Time) []message {
	name := fmt.Sprintf("%s-%d", k, i)
	from, to := simulator.DefaultNumber, fmt.Sprintf("+9198765%05d", i)
	if fault, ok := faults[k]; ok {
		to = simulator.MagicCallee(fault, 1)
	}
	if k == unlinked {
		from = simulator.DefaultAvailableNumber
	}
	fields := fmt.Sprintf(`"id":%q,"from":%q,"to":%q,"answer_url":"https://publisher.example/answer/%s"`, name, from, to, name)
	switch k {
	case expired:
		fields += fmt.Sprintf(`,"expires_at":%q`, now.Add(-time.Minute).UTC().Format(time.RFC3339))
	case later:
		fields += fmt.Sprintf(`,"not_before":%q`, now.Add(notBefore).UTC().Format(time.RFC3339Nano))
	case malformed:
		return []message{{name, `{"from":`}}
	}
	body := "{" + fields + "}"
	switch k {
	case twin:
		return []message{{name, body}, {name + "-again", body}}
	case rival:
		return []message{{name, body}, {name + "-other", strings.TrimSuffix(body, "}") + `,"ring_timeout":33}`}}
	default:
		return []message{{name, body}}
	}
}

// batch mixes the kinds, each twice, with healthy requests.
func batch(kinds ...kind) []kind {
	mixed := []kind{healthy, healthy}
	for _, k := range kinds {
		mixed = append(mixed, k, healthy, k)
	}
	return mixed
}
