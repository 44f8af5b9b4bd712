package reconcile

import (
	"slices"

	"github.com/ringonce/ringonce/call"
)

// dialled is what one request allows the provider to have done.
type dialled struct {
	name   string
	callee person
	// mayHaveRung tells that its ending allows one ring; placedAs is which one
	// that was, if the provider told us.
	mayHaveRung bool
	placedAs    string
}

// person is one callee, about one call.
type person struct{ callee, answerURL string }

func identity(p Published) dialled {
	request, _, _ := call.DecodeRequest(p.Body, call.PossibleNumbers) // what cannot be read has nobody to ring
	return dialled{name: p.Name, callee: person{request.To.E164(), request.AnswerURL}}
}

// rings compares what the endings allow with what the provider did.
func (j *judgement) rings(calls []dialled, rings []Ring) {
	requests, heard := map[person][]dialled{}, map[person][]Ring{}
	for _, d := range calls {
		requests[d.callee] = append(requests[d.callee], d)
	}
	var order []person // contradictions come in the order of the rings
	for _, r := range rings {
		p := person{r.Callee, r.AnswerURL}
		if heard[p] == nil {
			order = append(order, p)
		}
		heard[p] = append(heard[p], r)
	}
	for _, d := range calls {
		j.placedRang(d, heard[d.callee])
	}
	for _, p := range order {
		j.person(requests[p], heard[p])
	}
}

// placedRang checks that what a record calls placed rang under the same
// request_uuid, once. A call that an operator declared placed has none.
func (j *judgement) placedRang(d dialled, rings []Ring) {
	if d.placedAs == "" {
		return
	}
	if n := count(rings, d.placedAs); n != 1 {
		j.contradict(d.name, "its record says placed as %s, and the provider rang that %d times", d.placedAs, n)
	}
}

// person checks everything that rang one callee about one call.
func (j *judgement) person(requests []dialled, rings []Ring) {
	if len(requests) == 0 {
		j.contradict(rings[0].RequestUUID, "a phone rang that nobody of the batch asked for")
		return
	}
	allowed, open := 0, 0 // open: allowed, without a request_uuid to know it by
	var names, uuids []string
	for _, d := range requests {
		names = append(names, d.name)
		if !d.mayHaveRung {
			continue
		}
		allowed++
		if d.placedAs == "" {
			open++
		} else {
			uuids = append(uuids, d.placedAs)
		}
	}
	unexplained := 0
	for _, r := range rings {
		if !slices.Contains(uuids, r.RequestUUID) {
			unexplained++
		}
	}
	switch {
	case len(rings) > max(1, allowed):
		j.verdict.RungTwice = append(j.verdict.RungTwice, names...)
	case unexplained > open:
		for _, name := range names {
			j.contradict(name, "the phone rang, and the record does not say so")
		}
	}
}

func count(rings []Ring, uuid string) int {
	n := 0
	for _, r := range rings {
		if r.RequestUUID == uuid {
			n++
		}
	}
	return n
}
