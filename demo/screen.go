package demo

import (
	"encoding/json"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Mode is how a demo speaks.
type Mode int

// A terminal has one line that is written over and over; a file has one each ten seconds; JSON has one for each event.
const (
	Plain Mode = iota
	Terminal
	JSON
)

const (
	columns    = 79 // that text may take
	plainEvery = 10 * time.Second
	liveCells  = 30                     // of the sparkline, at most
	liveStep   = 200 * time.Millisecond // each
)

// What is sent to a terminal: the line is cleared, and wrapping is off while it is written, so that it stays one line on
// however narrow a terminal.
const (
	clearLine = "\r\x1b[K"
	wrapOff   = "\x1b[?7l"
	wrapOn    = "\x1b[?7h"
)

// screen prints what the demo tells.
type screen struct {
	out     io.Writer
	mode    Mode
	program string
	counted time.Time // when the last count was printed
	line    string    // the counter line, behind which the cursor stands; empty: there is none
}

// tell prints an event.
func (s *screen) tell(e event) {
	if s.mode == JSON {
		text, err := json.Marshal(e)
		if err == nil {
			s.out.Write(append(text, '\n'))
		}
		return
	}
	lines := e.text(s.program)
	if len(lines) == 0 {
		return
	}
	var b strings.Builder
	if s.line != "" {
		b.WriteString(clearLine)
	}
	for _, line := range lines {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	b.WriteString(s.line)
	io.WriteString(s.out, b.String())
}

// count shows the counter: on a terminal in place, else now and then.
func (s *screen) count(e countEvent, now time.Time, cells []int, full float64) {
	if s.counted.IsZero() {
		s.counted = now // what was just told is enough
	}
	switch {
	case s.mode == Terminal:
		text := e.line() + " · "
		cells = cells[max(0, len(cells)-(columns-utf8.RuneCountInString(text))):]
		s.line = wrapOff + text + sparkline(cells, full) + wrapOn
		io.WriteString(s.out, clearLine+s.line)
	case s.mode == JSON && now.Sub(s.counted) >= time.Second,
		s.mode == Plain && now.Sub(s.counted) >= plainEvery:
		s.counted = now
		s.tell(e)
	}
}

// end leaves the terminal as it was found.
func (s *screen) end() {
	if s.line != "" {
		io.WriteString(s.out, clearLine)
		s.line = ""
	}
}
