package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/ringonce/ringonce/call"
)

// numberView is a caller ID from which nothing is dialled.
type numberView struct {
	Number string     `json:"number"` // masked, unless it is to be revealed
	Pause  call.Pause `json:"pause"`
}

func numberViews(paused call.PausedNumbers, reveal bool) []numberView {
	views := []numberView{}
	for _, from := range sortedNumbers(paused) {
		v := numberView{Number: from.String(), Pause: paused[from]}
		if reveal {
			v.Number = from.E164()
		}
		views = append(views, v)
	}
	return views
}

func printNumbers(out io.Writer, numbers []numberView, now time.Time) {
	for _, n := range numbers {
		fmt.Fprintln(out, printable("caller ID "+n.Number+": "+pauseText(n.Pause, now)))
	}
}
