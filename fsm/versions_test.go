package fsm

import (
	"bytes"
	"fmt"
	"maps"
	"testing"
)

// The keys of random_test.go must not share buckets, or the model would be wrong about them.
func TestTheKeysOfTheTrafficHaveVersionsOfTheirOwn(t *testing.T) {
	m := New()
	m.mustApply(t, Entry{Kind: Opener, HashKey: [16]byte{1}})
	met := map[uint64]bool{}
	for i := range trafficKeys {
		met[m.table.hash(fmt.Append(nil, "key-", i))>>48] = true
	}
	if len(met) != trafficKeys {
		t.Errorf("%d buckets of %d keys", len(met), trafficKeys)
	}
}

func TestFrozenVersionsStayAsTheyAre(t *testing.T) {
	v := &versions{}
	seen := func(v *versions) map[uint64]uint64 {
		all := map[uint64]uint64{}
		v.ascend(func(bucket, index uint64) { all[bucket] = index })
		return all
	}
	var frozen []*versions
	var want []map[uint64]uint64
	for i := range uint64(3000) {
		v.touch(i*0x9e3779b97f4a7c15, i+1)
		if i%500 == 99 {
			frozen, want = append(frozen, v.freeze()), append(want, seen(v))
		}
		if i == 1700 {
			v.flush(i + 1)
		}
	}
	for i := range frozen {
		if !maps.Equal(seen(frozen[i]), want[i]) {
			t.Errorf("image %d has changed", i)
		}
		d := decoder{rest: frozen[i].append(nil)}
		if read := d.versions(3000); d.failed || !maps.Equal(seen(read), want[i]) || read.flushed != frozen[i].flushed {
			t.Errorf("image %d is read otherwise", i)
		}
	}
}

// An image of a build that kept no versions: what was watched before it counts as changed, what is watched after it does not.
func TestInAnImageWithoutVersionsEveryKeyCountsAsChangedAtItsIndex(t *testing.T) {
	m := openedMachine(t)
	incr := Op{Kind: Incr, Key: []byte("k"), Amount: 1}
	m.mustDo(t, incr)
	m.mustDo(t, Op{Kind: Incr, Key: []byte("other"), Amount: 1})
	block := appendBlock(nil, blockVersions, m.versions.append(nil))
	restored, err := Restore(bytes.NewReader(bytes.Replace(imageOf(t, m), block, nil, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for index, want := range map[uint64]Code{2: Aborted, 3: OK} {
		data := AppendBatch(nil, Number{"t", 1, 10 - index}, 1, AppendGroupIf(nil, Terms{Conditions: []Condition{{Key: []byte("k"), Index: index}}}, []Op{{Kind: Get, Key: []byte("k")}}))
		if m, err = Restore(bytes.NewReader(imageOf(t, restored))); err != nil {
			t.Fatal(err)
		}
		results := m.mustApply(t, Entry{Kind: Ordinary, Batches: [][]byte{data}})[0].Results
		if r, _ := results.Next(); r.Code != want {
			t.Errorf("watched at %d: %s, want %s", index, r.Code, want)
		}
	}
}

func TestVersionsThatCannotBeAreRefused(t *testing.T) {
	for what, block := range map[string][]byte{
		"flushed after the image":  (&versions{flushed: 11}).append(nil),
		"touched after the image":  {0, 5, 11},
		"touched before the flush": {4, 5, 4},
		"out of order":             {0, 5, 1, 4, 1},
		"twice":                    {0, 5, 1, 5, 2},
		"beyond the last bucket":   {0, 0x80, 0x80, 4, 1},
		"cut off":                  {0, 5},
		"empty":                    {},
	} {
		if d := (decoder{rest: block}); d.versions(10) == nil || !d.failed {
			t.Errorf("%s: %v is taken", what, block)
		}
	}
}
