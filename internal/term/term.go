// Package term shows progress on a terminal.
package term

import (
	"io"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"
)

// Open returns the terminal that w writes to, if it is one.
func Open(w io.Writer) (*os.File, bool) {
	file, ok := w.(*os.File)
	return file, ok && term.IsTerminal(int(file.Fd()))
}

// Bar is a progress bar. A goroutine draws it until [Bar.Close].
type Bar struct {
	tracker *progress.Tracker
	drawn   chan struct{}
}

// NewBar draws a bar that is full at total; a total of 0 is unknown.
func NewBar(w io.Writer, total int64) *Bar {
	b := &Bar{
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

// Set shows a value and a message.
func (b *Bar) Set(value int64, message string) {
	b.tracker.UpdateMessage(message)
	b.tracker.SetValue(value)
}

// Close draws the bar a last time, as done or as failed, and waits for that.
func (b *Bar) Close(done bool) {
	if done {
		b.tracker.MarkAsDone()
	} else {
		b.tracker.MarkAsErrored()
	}
	<-b.drawn
}
