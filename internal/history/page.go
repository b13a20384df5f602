package history

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/anishathalye/porcupine"
)

const (
	mostPages  = 8   // that WriteHTML writes
	mostOnPage = 300 // operations: a picture of more is not read by anybody
)

// WriteHTML draws the keys that no order explains, shrunk, a page each with the faults as marks: at most mostPages of them. It
// gives the names of the files; dir is made if need be.
func WriteHTML(dir string, run *Run) (names []string, err error) {
	v, err := newView(run.Ops, run.Header)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, keys := range v.failing() {
		ops := shrink(v.only(keys), run.Header)
		name := filepath.Join(dir, fmt.Sprintf("anomaly-%d-%s.html", len(names)+1, fileName(keys[0].name)))
		if err := writePage(name, run, ops); err != nil {
			return names, err
		}
		if names = append(names, name); len(names) == mostPages {
			break
		}
	}
	return names, nil
}

// failing are the keys, or keys tied together, that are surely not linearizable.
func (v *view) failing() (all [][]*keyView) {
	for _, k := range v.keys {
		if one := []*keyView{k}; k.counter() && violates(v.only(one), v.header()) {
			all = append(all, one)
		}
	}
	for _, p := range v.parts() {
		if errors.Is(p.search(shrinkTime), ErrViolation) {
			all = append(all, p.keys)
		}
	}
	return all
}

func fileName(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, key[:min(len(key), 40)])
}

func writePage(name string, run *Run, ops []Op) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(drawPage(file, run, ops), file.Close())
}

// drawPage draws the last of ops. What came before them is one line: the value that the first of them can have found.
func drawPage(w io.Writer, run *Run, ops []Op) error {
	cut := max(0, len(ops)-mostOnPage)
	v, err := newView(ops[cut:], run.Header)
	if err != nil {
		return err
	}
	p := &part{keys: v.keys}
	v.fill(p)
	var steps atomic.Int64
	model := p.model(&steps)
	if cut > 0 {
		first := v.start()
		model.Init = func() any { return first }
	}
	_, info := porcupine.CheckOperationsVerbose(model, p.history(), shrinkTime)
	clock := newTimeline(ops)
	var marks []porcupine.Annotation
	for _, f := range run.Faults {
		from, to := twice(clock.before(f.At)), twice(clock.before(max(f.At, f.End)))
		if from < twice(ops[cut].Call) || from >= twice(clock[len(clock)-1].stamp) {
			continue
		}
		marks = append(marks, porcupine.Annotation{Tag: "faults", Start: from, End: to, Description: f.Kind + " " + f.Target,
			Details: fmt.Sprintf("%v to %v: %s %s", f.At, f.End, f.Detail, f.Effect)})
	}
	if cut > 0 {
		at := twice(ops[cut].Call)
		marks = append(marks, porcupine.Annotation{Tag: "faults", Start: at, End: at,
			Description: fmt.Sprintf("%d operations before this are not drawn", cut)})
	}
	info.AddAnnotations(marks)
	return porcupine.Visualize(model, info, w)
}

// start is a guess of what each key held before the first Op.
func (v *view) start() []cell {
	cells := make([]cell, len(v.keys))
	for i, k := range v.keys {
		for _, op := range k.ops {
			if op.Outcome != Done || op.Kind != Incr && op.Kind != Get {
				continue
			}
			value := op.Reply.Int
			if op.Kind == Incr {
				value -= op.Arg
			}
			if !cells[i].present || value < cells[i].value {
				cells[i] = cell{value: value, present: value != 0}
			}
		}
	}
	return cells
}
