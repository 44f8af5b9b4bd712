package reconcile

import (
	"slices"

	"github.com/ringonce/ringonce/call"
)

// expectation is which rings the ending of one request allows.
type expectation struct {
	name   string
	callee person
	// mayHaveRung is set if the ending allows one ring; placedAs is its request_uuid,
	// if the provider returned it.
	mayHaveRung bool
	placedAs    string
}

// person is a callee, for one call.
type person struct{ callee, answerURL string }

func identity(p Published) expectation {
	request, _, _ := call.DecodeRequest(p.Body, call.PossibleNumbers) // without a readable callee nobody is rung
	return expectation{name: p.Name, callee: person{request.To.E164(), request.AnswerURL}}
}

// checkRings compares what the endings allow with what the provider did.
func (c *checker) checkRings(calls []expectation, rings []Ring) {
	requests, rang := map[person][]expectation{}, map[person][]Ring{}
	for _, d := range calls {
		requests[d.callee] = append(requests[d.callee], d)
	}
	var order []person // discrepancies come in the order of the rings
	for _, r := range rings {
		p := person{r.Callee, r.AnswerURL}
		if rang[p] == nil {
			order = append(order, p)
		}
		rang[p] = append(rang[p], r)
	}
	for _, d := range calls {
		c.checkPlaced(d, rang[d.callee])
	}
	for _, p := range order {
		c.checkPerson(requests[p], rang[p])
	}
}

// checkPlaced checks that a placed call rang once, under the request_uuid of its
// record. A call that an operator declared placed has none.
func (c *checker) checkPlaced(d expectation, rings []Ring) {
	if d.placedAs == "" {
		return
	}
	if n := count(rings, d.placedAs); n != 1 {
		c.addf(d.name, "its record says placed as %s, and the provider rang that %d times", d.placedAs, n)
	}
}

// checkPerson checks everything that rang one callee for one call.
func (c *checker) checkPerson(requests []expectation, rings []Ring) {
	if len(requests) == 0 {
		c.addf(rings[0].RequestUUID, "a phone rang that no request of the batch asked for")
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
		c.report.RungTwice = append(c.report.RungTwice, names...)
	case unexplained > open:
		for _, name := range names {
			c.addf(name, "the phone rang, and the record does not say so")
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
