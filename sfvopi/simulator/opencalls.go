package simulator

import "maps"

// OpenCount counts calls that are open at the same time: accepted, and not ended
// yet.
type OpenCount struct {
	Now int `json:"open"`
	// Max is the most that there were since the start or the last Reset.
	Max int `json:"max_open"`
}

func (o *OpenCount) begin() {
	o.Now++
	o.Max = max(o.Max, o.Now)
}

// OpenCalls are the open calls of one organisation, all of them and by the number
// that calls. A call is counted from the moment at which it is accepted, whatever
// is answered, until it ends, which is before its hangup hook is posted.
type OpenCalls struct {
	OpenCount
	CallerIDs map[string]OpenCount `json:"caller_ids,omitzero"`
}

// openMeter counts for one organisation.
type openMeter struct {
	all       OpenCount
	callerIDs map[string]*OpenCount
}

func (m *openMeter) begin(callerID string) {
	m.all.begin()
	found, ok := m.callerIDs[callerID]
	if !ok {
		found = &OpenCount{}
		m.callerIDs[callerID] = found
	}
	found.begin()
}

func (m *openMeter) end(callerID string) {
	m.all.Now--
	m.callerIDs[callerID].Now--
}

// restart begins the peaks anew, at the calls that are open now.
func (m *openMeter) restart() {
	m.all.Max = m.all.Now
	maps.DeleteFunc(m.callerIDs, func(_ string, each *OpenCount) bool { return each.Now == 0 })
	for _, each := range m.callerIDs {
		each.Max = each.Now
	}
}

func (m *openMeter) count() OpenCalls {
	counted := OpenCalls{OpenCount: m.all, CallerIDs: make(map[string]OpenCount, len(m.callerIDs))}
	for callerID, each := range m.callerIDs {
		counted.CallerIDs[callerID] = *each
	}
	return counted
}
