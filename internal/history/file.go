package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// line is one line of a history file: exactly one member is there.
type line struct {
	Run   *Header `json:"run,omitempty"`
	Op    *Op     `json:"op,omitempty"`
	Fault *Fault  `json:"fault,omitempty"`
	Look  *Look   `json:"look,omitempty"`
}

// Log writes a Run as JSON lines while it goes on. It is safe for concurrent use; the first error stays, and Close tells it.
type Log struct {
	mu    sync.Mutex // guards what follows
	to    *bufio.Writer
	lines *json.Encoder
	err   error
}

// NewLog writes to w.
func NewLog(w io.Writer) *Log {
	to := bufio.NewWriterSize(w, 1<<16)
	return &Log{to: to, lines: json.NewEncoder(to)}
}

// Run writes the header. It may come again, with what is known only later: the last one counts.
func (l *Log) Run(h Header) { l.write(line{Run: &h}) }

// Op writes an operation that has ended, or never will.
func (l *Log) Op(op Op) { l.write(line{Op: &op}) }

// Fault writes a fault, once it is healed and its effect is known.
func (l *Log) Fault(f Fault) { l.write(line{Fault: &f}) }

// Look writes what was looked at.
func (l *Log) Look(look Look) { l.write(line{Look: &look}) }

// Close writes what is left, but does not close the writer below. The error is the first of all.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.err, l.to.Flush())
}

func (l *Log) write(what line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = l.lines.Encode(what)
	}
}

// WriteRun writes a whole Run, in the form that ReadRun reads.
func WriteRun(w io.Writer, run *Run) error {
	l := NewLog(w)
	l.Run(run.Header)
	for i := range run.Faults {
		l.Fault(run.Faults[i])
	}
	for i := range run.Ops {
		l.Op(run.Ops[i])
	}
	for i := range run.Looks {
		l.Look(run.Looks[i])
	}
	return l.Close()
}

// ErrTruncated is wrapped when the last line of a history is cut off: the writer died. What came before has been read.
var ErrTruncated = errors.New("history: the last line is cut off")

// maxLine is the most bytes of a line; a Look of a large cluster is the longest.
const maxLine = 64 << 20

// ReadRun reads a history. An error names the line, and wraps ErrHistory; with ErrTruncated the Run is good as far as it goes.
func ReadRun(r io.Reader) (*Run, error) {
	run, number := new(Run), 0
	names := make(interned)
	from := bufio.NewReaderSize(r, 1<<20)
	for {
		text, err := from.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return run, fmt.Errorf("history: after line %d: %w", number, err)
		}
		number++
		if blank := len(bytes.TrimSpace(text)) == 0; err == io.EOF && blank {
			return run, headless(run)
		} else if blank {
			continue
		}
		if len(text) > maxLine {
			return run, fmt.Errorf("%w: line %d: more than %d bytes; is it a history?", ErrHistory, number, maxLine)
		}
		if bad := run.add(text, names); bad != nil {
			if err == io.EOF { // without the newline that Log ends each line with
				return run, errors.Join(fmt.Errorf("%w: line %d", ErrTruncated, number), headless(run))
			}
			return run, fmt.Errorf("%w: line %d: %w; repair or drop that line", ErrHistory, number, bad)
		}
	}
}

func headless(run *Run) error {
	if run.Header.Program == "" {
		return fmt.Errorf("%w: no line has a run, so this is no history, or its first line is missing", ErrHistory)
	}
	return nil
}

func (run *Run) add(text []byte, names interned) error {
	var l line
	read := json.NewDecoder(bytes.NewReader(text))
	read.DisallowUnknownFields()
	if err := read.Decode(&l); err != nil {
		return err
	}
	switch {
	case l.Run != nil:
		run.Header = *l.Run
	case l.Op != nil:
		op := *l.Op
		op.Key, op.Node, op.Instance = names.one(op.Key), names.one(op.Node), names.one(op.Instance)
		run.Ops = append(run.Ops, op)
	case l.Fault != nil:
		run.Faults = append(run.Faults, *l.Fault)
	case l.Look != nil:
		run.Looks = append(run.Looks, *l.Look)
	default:
		return errors.New("neither run nor op nor fault nor look")
	}
	return nil
}

// interned keeps one copy of each name: millions of Ops have few.
type interned map[string]string

func (in interned) one(name string) string {
	if kept, found := in[name]; found {
		return kept
	}
	in[name] = name
	return name
}
