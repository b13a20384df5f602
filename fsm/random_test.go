package fsm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const randomSteps = 2000

// Three Machines get the same Entries: one is only compared with the model, one goes through an image now and then, and
// images that were frozen earlier are written late and restored, to be brought up by the Entries since.
func TestRandomBatchesEndAsInTheModelWhateverIsSnapshotted(t *testing.T) {
	playSeeds(t, 4, playRandom, "verdict 1", "verdict 2", "verdict 3", "settled true", "settled false",
		"group full-keys", "group full-bytes", "single full-keys", "single full-bytes", "aborted")
}

func playRandom(t *testing.T, seed uint64) (seen map[string]int) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	tr := &traffic{rnd: rnd, stamp: 1000, numbers: map[string]Number{}}
	napkin := &model{keys: map[string]modelItem{}, changed: map[string]uint64{}, origins: map[string]modelOrigin{}}
	plain, restored := New(), New()
	var late *lateImage
	seen = map[string]int{}
	for index := uint64(1); index <= randomSteps; index++ {
		e, batches := tr.entry()
		if index == 1 {
			e.Kind, e.HashKey = Opener, [16]byte{1}
			napkin.flushed = 1
		}
		outcomes := applyBoth(t, index, e, plain, restored)
		verdicts, results := napkin.apply(e.Stamp, batches)
		for i, o := range outcomes {
			got := modelResults(t, o.Results)
			if o.Number != batches[i].number || o.Verdict != verdicts[i] || !slices.Equal(got, results[i]) {
				t.Fatalf("index %d: %+v\ngot  %d %q\nwant %d %q", index, batches[i].groups, o.Verdict, got, verdicts[i], results[i])
			}
			seen[fmt.Sprint("verdict ", o.Verdict)]++
			noteRefusals(batches[i], got, seen)
		}
		checkMachine(t, plain)
		checkMachine(t, restored)
		if plain.Keys() != uint64(len(napkin.keys)) || plain.UsedBytes() != uint64(napkin.used()) {
			t.Fatalf("index %d: %d keys of %d bytes, want %d of %d", index, plain.Keys(), plain.UsedBytes(), len(napkin.keys), napkin.used())
		}
		compareQuery(t, tr, plain, napkin, seen)
		if rnd.IntN(20) == 0 {
			restored = throughImage(t, restored.Freeze())
		}
		late = late.follow(t, e, index, rnd, plain, restored)
		if a, b := plain.Digest(), restored.Digest(); a != b || plain.UsedBytes() != restored.UsedBytes() {
			t.Fatalf("index %d: digest %x and %d bytes, and %x and %d after snapshots", index,
				a, plain.UsedBytes(), b, restored.UsedBytes())
		}
	}
	return seen
}

// noteRefusals counts the groups that met a limit.
func noteRefusals(b modelBatch, answers []string, seen map[string]int) {
	if len(answers) == 0 {
		return // Superseded
	}
	for _, group := range b.groups {
		size := "group"
		if len(group) == 1 {
			size = "single"
		}
		for _, what := range []string{"full-keys", "full-bytes"} {
			if slices.ContainsFunc(answers[:len(group)], func(a string) bool { return strings.HasPrefix(a, what) }) {
				seen[size+" "+what]++
			}
		}
		if answers[0] == "aborted" {
			seen["aborted"]++
		}
		answers = answers[len(group):]
	}
}

// applyBoth applies e to both Machines, whose Outcomes must be the same.
func applyBoth(t *testing.T, index uint64, e Entry, plain, restored *Machine) []Outcome {
	t.Helper()
	outcomes, err := plain.Apply(index, index, e)
	if err != nil {
		t.Fatal(err)
	}
	others, err := restored.Apply(index, index, e)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(outcomes, others, func(a, b Outcome) bool {
		return a.Number == b.Number && a.Verdict == b.Verdict && bytes.Equal(a.Results, b.Results)
	}) {
		t.Fatalf("index %d: %v, and %v after snapshots", index, outcomes, others)
	}
	return outcomes
}

// lateImage is an image that was frozen a while ago and not written yet.
type lateImage struct {
	image  *Image
	digest uint64
	since  []Entry
}

// follow freezes a new image, or takes down e, or writes the image that was frozen: it must be of the moment of the
// freeze, and come to where the others are.
func (l *lateImage) follow(t *testing.T, e Entry, index uint64, rnd *rand.Rand, plain, restored *Machine) *lateImage {
	if l == nil {
		from := []*Machine{plain, restored}[rnd.IntN(2)]
		return &lateImage{image: from.Freeze(), digest: from.Digest()}
	}
	l.since = append(l.since, e)
	if rnd.IntN(15) != 0 {
		return l
	}
	m := throughImage(t, l.image)
	if m.Index() != l.image.Index() || m.Digest() != l.digest {
		t.Fatalf("index %d: an image of %d written now is not of the moment of its freeze", index, l.image.Index())
	}
	for _, e := range l.since {
		next := m.Index() + 1
		if _, err := m.Apply(next, next, e); err != nil {
			t.Fatal(err)
		}
	}
	checkMachine(t, m)
	if m.Digest() != plain.Digest() {
		t.Fatalf("index %d: other state after restoring %d and going on", index, l.image.Index())
	}
	return nil
}

func throughImage(t *testing.T, im *Image) *Machine {
	t.Helper()
	var image bytes.Buffer
	if _, err := im.WriteTo(&image); err != nil {
		t.Fatal(err)
	}
	m, err := Restore(&image)
	if err != nil {
		t.Fatal(err)
	}
	checkMachine(t, m)
	return m
}

func modelResults(t *testing.T, rs Results) (texts []string) {
	t.Helper()
	for len(rs) > 0 {
		r, ok := rs.Next()
		if !ok {
			t.Fatalf("undecodable Results: %x", []byte(rs))
		}
		texts = append(texts, describeModel(r))
	}
	return texts
}

// compareQuery asks both for a few reads as of a moment that may lie ahead.
func compareQuery(t *testing.T, tr *traffic, m *Machine, napkin *model, seen map[string]int) {
	t.Helper()
	now := m.Now() + tr.rnd.Int64N(200) - 20
	var ops []Op
	var want []string
	wantSettled := true
	for range 3 {
		op := tr.op()
		if tr.rnd.IntN(3) > 0 { // most Ops write, and a Query answers those in one way
			op = tr.read()
		}
		answer, settled := napkin.read(op, max(now, m.Now()))
		ops, want, wantSettled = append(ops, op), append(want, answer), wantSettled && settled
	}
	before := m.Digest()
	results, settled := m.Query(nil, AppendGroup(nil, ops), now)
	if got := modelResults(t, results); !slices.Equal(got, want) || settled != wantSettled {
		t.Fatalf("index %d, query as of %d (machine time %d): %+v\ngot  %q %v\nwant %q %v",
			m.Index(), now, m.Now(), ops, got, settled, want, wantSettled)
	}
	if m.Digest() != before {
		t.Fatalf("index %d: a query left a trace", m.Index())
	}
	seen[fmt.Sprint("settled ", settled)]++
}
