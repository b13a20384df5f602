package fsm_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/truecount/truecount/fsm"
)

// A Batch in, Results out: what a door, a proposer, a leader and a replica do, in one place.
func Example() {
	// A door turns commands into Ops. The groups of a Request are applied as a whole, in order.
	var request fsm.Request
	request.Add(fsm.Op{Kind: fsm.Incr, Key: []byte("hits"), Amount: 41}, fsm.Op{Kind: fsm.Incr, Key: []byte("hits"), Amount: 1})
	request.Add(fsm.Op{Kind: fsm.Set, Key: []byte("lock"), Value: fsm.ParseValue([]byte("me")), Flags: fsm.NX,
		Expiry: fsm.Expiry{Mode: fsm.After, Millis: 5000}})

	// The proposer of its node numbers a Batch; the leader stamps it into an Entry, behind the Opener of its term.
	number := fsm.Number{Origin: "n1-0815", Incarnation: 1, Sequence: 1}
	batch := fsm.AppendBatch(nil, number, request.Ops, request.Groups)
	log1 := []fsm.Entry{
		{Kind: fsm.Opener, Stamp: 1000, HashKey: [16]byte{1, 2, 3}}, // random bytes
		{Kind: fsm.Ordinary, Stamp: 1010, Batches: [][]byte{batch}},
		{Kind: fsm.Ordinary, Stamp: 1020, Batches: [][]byte{batch}}, // sent again, because the answer was lost
	}

	// Every replica applies the same Entries and comes to the same Results. Nothing is counted twice.
	machine := fsm.New()
	for i, entry := range log1 {
		outcomes, err := machine.Apply(uint64(i+1), 1, entry)
		if err != nil {
			log.Fatal(err)
		}
		for _, outcome := range outcomes {
			fmt.Print("verdict ", outcome.Verdict, ":")
			for r, ok := outcome.Results.Next(); ok; r, ok = outcome.Results.Next() {
				fmt.Printf(" %s %q", r.Code, r.Value.AppendText(nil))
			}
			fmt.Println()
		}
	}

	// Reads are asked between Entries, as of a moment.
	reads := fsm.AppendGroup(nil, []fsm.Op{{Kind: fsm.Get, Key: []byte("hits")}, {Kind: fsm.TTL, Key: []byte("lock")}})
	results, settled := machine.Query(nil, reads, 2010)
	hits, _ := results.Next()
	ttl, _ := results.Next()
	fmt.Println("hits", hits.Value.Int, "ttl", ttl.Value.Int, "settled", settled)

	// Output:
	// verdict 1: ok "41" ok "42" ok ""
	// verdict 2: ok "41" ok "42" ok ""
	// hits 42 ttl 4000 settled true
}

// An Image is the whole Machine of one moment; what is restored from it goes on like the original.
func ExampleMachine_Freeze() {
	machine := fsm.New()
	incr := fsm.AppendGroup(nil, []fsm.Op{{Kind: fsm.Incr, Key: []byte("hits"), Amount: 1}})
	count := func(m *fsm.Machine) {
		next := m.Index() + 1
		batch := fsm.AppendBatch(nil, fsm.Number{Origin: "n1", Incarnation: 1, Sequence: next}, 1, incr)
		if _, err := m.Apply(next, 1, fsm.Entry{Kind: fsm.Ordinary, Batches: [][]byte{batch}}); err != nil {
			log.Fatal(err)
		}
	}
	count(machine)
	image := machine.Freeze()
	count(machine) // not in the image

	var file bytes.Buffer
	if _, err := image.WriteTo(&file); err != nil {
		log.Fatal(err)
	}
	restored, err := fsm.Restore(&file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(restored.Index(), machine.Index(), restored.Digest() == machine.Digest())
	count(restored)
	fmt.Println(restored.Index(), machine.Index(), restored.Digest() == machine.Digest())

	// Output:
	// 1 2 false
	// 2 2 true
}
