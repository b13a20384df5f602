package fsm

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// What a session takes of memory, by what it has done: nothing, a full window of increments, a full window of answers of 64 bytes,
// which is all that it remembers.
func BenchmarkSessionMemory(b *testing.B) {
	const sessions = 2_000
	for _, bench := range []struct {
		name     string
		commands uint64
		ops      []Op
	}{
		{"empty", 0, nil},
		{"increments=16", 16, []Op{incrOp("k")}},
		{"increments=256", 256, []Op{incrOp("k")}},
		{"full", 256, []Op{swapOp("text", 61)}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var taken uint64
			for b.Loop() {
				m := sessionMachine(b)
				m.mustDo(b, swapOp("text", 61))
				before := heap()
				for i := range uint64(sessions) {
					id := benchSession(i)
					m.mustDo(b, Op{Kind: OpenSession, Key: id[:], Amount: DefaultSession})
				}
				for sequence := range bench.commands {
					m.doAll(b, sessions, sequence+1, bench.ops)
				}
				taken = heap() - before
				b.ReportMetric(float64(taken)/sessions, "B/session")
				checkMachine(b, m)
			}
		})
	}
}

// An increment under ONCE, beside BenchmarkApplyIncr: fresh, and answered from memory; in a busy session, and in one of many after
// a freeze, which copies each before its first change.
func BenchmarkOnce(b *testing.B) {
	const sessions = 1000
	for _, bench := range []struct {
		name   string
		again  bool
		freeze bool
	}{{"fresh", false, false}, {"again", true, false}, {"fresh after a freeze", false, true}} {
		b.Run(bench.name, func(b *testing.B) {
			m := sessionMachine(b)
			for i := range uint64(sessions) {
				id := benchSession(i)
				m.mustDo(b, Op{Kind: OpenSession, Key: id[:], Amount: DefaultSession})
			}
			sequence := uint64(0)
			for ; sequence < SessionWindow; sequence++ {
				m.doAll(b, sessions, sequence+1, []Op{incrOp("k")})
			}
			for b.Loop() {
				if bench.freeze {
					m.Freeze()
				}
				if !bench.again {
					sequence++
				}
				m.doAll(b, sessions, sequence, []Op{incrOp("k")})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/sessions, "ns/command")
		})
	}
}

func benchSession(i uint64) (id SessionID) {
	binary.LittleEndian.PutUint64(id[:], (i+1)*0x9e3779b97f4a7c15)
	return id
}

// doAll applies ops as the command sequence of each of so many sessions, in one Batch.
func (m *Machine) doAll(b *testing.B, sessions, sequence uint64, ops []Op) {
	var groups []byte
	for i := range sessions {
		groups = AppendGroupIf(groups, Terms{Once: Once{benchSession(i), sequence, 1}}, ops)
	}
	data := AppendBatch(nil, Number{"bench", 1, m.index + 1}, int(sessions)*len(ops), groups)
	if _, err := m.Apply(m.index+1, 1, Entry{Kind: Ordinary, Stamp: m.now, Batches: [][]byte{data}}); err != nil {
		b.Fatal(fmt.Errorf("sequence %d: %w", sequence, err))
	}
}
