package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// What a Batch costs on its way through this package, without raft, network and disk. Named by Requests in it and Ops in
// each: one client, one pipeline, many clients, full Batches. B/op and allocs/op are per Batch, ns/Op per Op.

type batchShape struct{ requests, ops int }

func batchShapes() []batchShape {
	return []batchShape{{1, 1}, {1, 64}, {1, fsm.MaxBatchOps}, {50, 1}, {500, 1}, {50, 64}}
}

func (s batchShape) String() string { return fmt.Sprintf("%dx%d", s.requests, s.ops) }

func (s batchShape) total() int { return s.requests * s.ops }

func perOp(b *testing.B, s batchShape) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*s.total()), "ns/Op")
}

// request is s.ops increments of a key each, as a door makes them.
func (s batchShape) request(done func(*fsm.Request)) *fsm.Request {
	r := &fsm.Request{Done: done}
	for i := range s.ops {
		r.Add(fsm.Op{Kind: fsm.Incr, Key: fmt.Appendf(nil, "counter:%012d", i), Amount: 1})
	}
	return r
}

// sealed is a Batch of so many Requests.
func (s batchShape) sealed(dst []byte, sequence uint64, groups [][]byte) []byte {
	return fsm.AppendBatch(dst, fsm.Number{Origin: "n1-0123456789", Incarnation: 1, Sequence: sequence}, s.total(), groups...)
}

func (s batchShape) groups() (all [][]byte) {
	for range s.requests {
		all = append(all, s.request(nil).Groups)
	}
	return all
}

func (s batchShape) results() (rs fsm.Results) {
	for range s.total() {
		rs = append(rs, byte(fsm.Int), 0xc0, 0x9a, 0x0c) // 100,000
	}
	return rs
}

// BenchmarkProposer takes Requests, seals them into one Batch, delivers it to nobody, and splits the Results among them.
func BenchmarkProposer(b *testing.B) {
	for _, shape := range batchShapes() {
		b.Run(shape.String(), func(b *testing.B) {
			var known bool
			var reply func(answer)
			p := &proposer{contact: &contact{}, number: fsm.Number{Origin: "n1-0123456789", Incarnation: 1},
				route:   func() (target, bool) { return n1, known },
				deliver: func(_ target, _ fsm.Number, _ []byte, answered func(answer)) { reply = answered }}
			var requests []*fsm.Request
			answered := 0
			for range shape.requests {
				requests = append(requests, shape.request(func(*fsm.Request) { answered++ }))
			}
			results := shape.results()
			b.ReportAllocs()
			for b.Loop() {
				known = false
				for _, r := range requests {
					p.propose(r)
				}
				known = true
				p.tick(time.Now())
				reply(answer{kind: answerResults, index: 1, results: results})
			}
			if answered != b.N*shape.requests {
				b.Fatalf("%d requests were answered in %d batches", answered, b.N)
			}
			perOp(b, shape)
		})
	}
}

// BenchmarkReplica decodes and applies log entries of one Batch on one key, as raft hands them over.
func BenchmarkReplica(b *testing.B) {
	for _, shape := range batchShapes() {
		b.Run(shape.String(), func(b *testing.B) {
			r := newReplica(func(int64) {}, func(err error) { b.Error(err) })
			var batch []byte
			opener := fsm.Entry{Kind: fsm.Opener, Stamp: 1, HashKey: [16]byte{1}}
			log := &raft.Log{Index: 1, Term: 1, Type: raft.LogCommand, Data: opener.Append(nil)}
			r.ApplyBatch([]*raft.Log{log})
			groups := shape.groups()
			b.ReportAllocs()
			for b.Loop() {
				log.Index++
				batch = shape.sealed(batch[:0], log.Index, groups)
				entry := fsm.Entry{Kind: fsm.Ordinary, Stamp: 1, Batches: [][]byte{batch}}
				log.Data = entry.Append(log.Data[:0])
				r.ApplyBatch([]*raft.Log{log})
			}
			perOp(b, shape)
		})
	}
}

// BenchmarkEntry makes what goes to raft.Apply out of one Batch of each of three nodes.
func BenchmarkEntry(b *testing.B) {
	for _, shape := range batchShapes() {
		b.Run(shape.String(), func(b *testing.B) {
			data := shape.sealed(nil, 1, shape.groups())
			b.ReportAllocs()
			for b.Loop() {
				entry := fsm.Entry{Kind: fsm.Ordinary, Stamp: 1}
				size := entryHead
				for range 3 {
					entry.Batches = append(entry.Batches, data)
					size += len(data) + entryHead
				}
				entry.Append(make([]byte, 0, size))
			}
			perOp(b, shape)
		})
	}
}

// BenchmarkAnswer encodes the answer to another node's Batch, and decodes it there.
func BenchmarkAnswer(b *testing.B) {
	for _, shape := range batchShapes() {
		b.Run(shape.String(), func(b *testing.B) {
			sent := answer{kind: answerResults, index: 1_000_000, results: shape.results()}
			b.ReportAllocs()
			for b.Loop() {
				if got := decodeAnswer(appendAnswer(nil, sent)); len(got.results) != len(sent.results) {
					b.Fatal("cut off")
				}
			}
			perOp(b, shape)
		})
	}
}
