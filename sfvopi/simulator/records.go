package simulator

import (
	"sync"
	"time"
)

// records is the world while it runs: what the provider would keep in its
// database. Methods lock it for the time of one look or change and hand out
// copies, never pointers into it.
type records struct {
	mu            sync.RWMutex
	organisations map[string]*orgRecord
	byKey         map[string]*orgRecord
	lastID        int64
}

type orgRecord struct {
	name    string
	id      int64
	keys    []string
	apps    []*app // in the order of their creation
	numbers map[string]*number
	order   []string // numbers in the order in which they were bought
	limit   rateLimiter
}

// app is an app as the provider's answers show it.
type app struct {
	AppID                string   `json:"app_id"`
	OrgID                int64    `json:"org_id"`
	Name                 string   `json:"name"`
	AnswerURL            string   `json:"answer_url"`
	AnswerMethod         string   `json:"answer_method"`
	HangupURL            *string  `json:"hangup_url"`
	HangupMethod         string   `json:"hangup_method"`
	FallbackAnswerURL    *string  `json:"fallback_answer_url"`
	FallbackAnswerMethod string   `json:"fallback_answer_method"`
	Status               Status   `json:"status"`
	CreatedBy            *string  `json:"created_by"`
	CreatedAt            instant  `json:"created_at"`
	UpdatedAt            *instant `json:"updated_at"`
}

// number is one that an organisation owns; appID is empty while it is linked to
// no app.
type number struct {
	id      int64
	appID   string
	status  Status
	linked  instant
	updated *instant
}

// link is a linked number as the provider's answers show it.
type link struct {
	AppID      string   `json:"app_id"`
	VoIPNumber string   `json:"voip_number"`
	OrgID      int64    `json:"org_id"`
	Status     Status   `json:"status"`
	CreatedAt  instant  `json:"created_at"`
	UpdatedAt  *instant `json:"updated_at"`
}

// availableNumber is an owned number that is linked to no app.
type availableNumber struct {
	ID         int64  `json:"id"`
	VoIPNumber string `json:"voip_number"`
	Provider   string `json:"provider"`
	Status     Status `json:"status"`
}

// instant is written as ISO 8601 in UTC with milliseconds.
type instant time.Time

// MarshalText writes the provider's form of a time.
func (i instant) MarshalText() ([]byte, error) {
	return time.Time(i).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

func now() instant { return instant(time.Now()) }

func newRecords(world World) *records {
	r := &records{organisations: map[string]*orgRecord{}, byKey: map[string]*orgRecord{}, lastID: 1000}
	for i := range world.Organisations {
		r.add(&world.Organisations[i])
	}
	return r
}

// add puts a validated organisation on file. The caller holds the lock, or is
// alone.
func (r *records) add(from *Organisation) {
	org := &orgRecord{
		name:    from.Name,
		id:      from.ID,
		keys:    append([]string(nil), from.APIKeys...),
		numbers: map[string]*number{},
	}
	if org.id == 0 {
		org.id = r.nextID()
	}
	org.limit.set(from.CPS)
	for i := range from.Apps {
		r.addApp(org, &from.Apps[i])
	}
	for _, voip := range from.AvailableNumbers {
		r.own(org, voip)
	}
	r.organisations[org.name] = org
	for _, key := range org.keys {
		r.byKey[key] = org
	}
}

func (r *records) addApp(org *orgRecord, from *App) {
	status := from.Status
	if status == "" {
		status = Active
	}
	org.apps = append(org.apps, &app{
		AppID: from.ID, OrgID: org.id, Name: from.Name, Status: status,
		AnswerURL: from.AnswerURL, AnswerMethod: "POST",
		HangupURL: optional(from.HangupURL), HangupMethod: "POST",
		FallbackAnswerURL: optional(from.FallbackURL), FallbackAnswerMethod: "POST",
		CreatedAt: now(),
	})
	for _, voip := range from.Numbers {
		r.own(org, voip).link(from.ID, Active)
	}
	for _, voip := range from.InactiveNumbers {
		r.own(org, voip).link(from.ID, Inactive)
	}
}

// own makes sure that the organisation has the number, and returns it.
func (r *records) own(org *orgRecord, voip string) *number {
	if found, ok := org.numbers[voip]; ok {
		return found
	}
	bought := &number{id: r.nextID(), status: Active}
	org.numbers[voip] = bought
	org.order = append(org.order, voip)
	return bought
}

func (n *number) link(appID string, status Status) {
	n.appID, n.status, n.linked, n.updated = appID, status, now(), nil
}

func (n *number) unlink() { n.appID, n.status, n.updated = "", Active, nil }

func (r *records) nextID() int64 {
	r.lastID++
	return r.lastID
}

func (o *orgRecord) app(appID string) *app {
	for _, candidate := range o.apps {
		if candidate.AppID == appID {
			return candidate
		}
	}
	return nil
}

func (o *orgRecord) link(voip string, n *number) link {
	return link{
		AppID: n.appID, VoIPNumber: voip, OrgID: o.id, Status: n.status,
		CreatedAt: n.linked, UpdatedAt: n.updated,
	}
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
