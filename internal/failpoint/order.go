package failpoint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// action is what happens at a point.
type action string

const (
	kill action = "kill" // SIGKILL: nothing of the process is left
	stop action = "stop" // SIGSTOP: it goes on when it is continued, knowing nothing of the pause
)

// order arms one point.
type order struct {
	point  Point
	nth    int64 // strikes when the point is come to for this time, from 1
	action action
}

// parse reads name[:nth][:kill|stop], several with commas between them.
func parse(text string) ([]order, error) {
	var orders []order
	for one := range strings.SplitSeq(text, ",") {
		o, err := parseOne(one)
		if err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, nil
}

func parseOne(text string) (order, error) {
	parts := strings.Split(text, ":")
	o := order{point: Point(parts[0]), nth: 1, action: kill}
	if !slices.Contains(All(), o.point) {
		return o, fmt.Errorf("there is no point %q; package failpoint lists them", parts[0])
	}
	rest := parts[1:]
	if len(rest) > 0 && rest[0] != string(kill) && rest[0] != string(stop) {
		nth, err := strconv.ParseInt(rest[0], 10, 64)
		if err != nil || nth < 1 {
			return o, fmt.Errorf("%q is no count; write it like %s:3", rest[0], o.point)
		}
		o.nth, rest = nth, rest[1:]
	}
	switch {
	case len(rest) == 0:
	case len(rest) == 1 && (rest[0] == string(kill) || rest[0] == string(stop)):
		o.action = action(rest[0])
	default:
		return o, fmt.Errorf("%q cannot be read; write it like %s:1:stop", text, o.point)
	}
	return o, nil
}
