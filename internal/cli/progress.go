package cli

import (
	"io"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"
)

// bar is a progress bar on a terminal. It is drawn by a goroutine until
// [bar.end].
type bar struct {
	tracker *progress.Tracker
	drawn   chan struct{}
}

// newBar draws a bar that is full at total; a total of 0 means that it is not
// known.
func newBar(w io.Writer, total int64) *bar {
	b := &bar{
		tracker: &progress.Tracker{Message: "publishing", Total: total, AutoStopDisabled: true},
		drawn:   make(chan struct{}),
	}
	p := progress.NewWriter()
	p.SetOutputWriter(w)
	p.SetAutoStop(true) // when the tracker is done
	p.SetUpdateFrequency(100 * time.Millisecond)
	p.SetTrackerPosition(progress.PositionRight)
	p.SetTrackerLength(15)
	p.SetMessageLength(42)
	p.SetStyle(progress.StyleBlocks)
	p.Style().Visibility.Percentage = false
	p.Style().Options.TimeInProgressPrecision = time.Second
	p.Style().Options.TimeDonePrecision = 100 * time.Millisecond
	p.AppendTracker(b.tracker)
	go func() {
		defer close(b.drawn)
		p.Render()
	}()
	return b
}

func (b *bar) set(value int64, message string) {
	b.tracker.UpdateMessage(message)
	b.tracker.SetValue(value)
}

// end draws the bar a last time and waits for that. all reports whether
// everything was done.
func (b *bar) end(all bool) {
	if all {
		b.tracker.MarkAsDone()
	} else {
		b.tracker.MarkAsErrored()
	}
	<-b.drawn
}

// terminal returns the terminal that w writes to, if it is one.
func terminal(w io.Writer) (*os.File, bool) {
	file, ok := w.(*os.File)
	return file, ok && term.IsTerminal(int(file.Fd()))
}
