package sim

import (
	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/history"
)

// opOf is an operation of a history as the Machine takes it.
func opOf(o history.Op) fsm.Op {
	op := fsm.Op{Kind: kindOf(o.Kind), Key: []byte(o.Key), Amount: o.Arg, Instance: []byte(o.Instance)}
	switch o.Kind {
	case history.Set, history.SetIf, history.Cas:
		op.Amount, op.Value = 0, fsm.IntValue(o.Arg)
		if o.TTL > 0 {
			op.Expiry = fsm.Expiry{Mode: fsm.After, Millis: o.TTL.Milliseconds()}
		}
	case history.Get, history.Del, history.ICGet, history.ICDel, history.ICDelSlice:
		op.Amount = 0
	}
	switch o.Kind {
	case history.IncrIf, history.SetIf, history.ICIncrIf:
		op.Compare, op.Than = comparatorOf(o.If), fsm.IntValue(o.Operand)
	case history.Cas:
		op.Compare, op.Than, op.Flags = fsm.Same, fsm.IntValue(o.Operand), fsm.SetGet
	}
	if o.Kind == history.SetIf {
		op.Flags = fsm.Tell
	}
	if o.Kind == history.ICIncr && o.Epoch != 0 {
		op.Epoch = fsm.Epoch{Number: uint64(o.Epoch), Given: true}
	}
	return op
}

func kindOf(k history.Kind) fsm.Kind {
	return map[history.Kind]fsm.Kind{
		history.Incr: fsm.Incr, history.Get: fsm.Get, history.Set: fsm.Set, history.Del: fsm.Delete, history.IncrIf: fsm.IncrIf,
		history.SetIf: fsm.SetIf, history.Cas: fsm.SetIf, history.ICIncr: fsm.ICAdd, history.ICGet: fsm.ICGet, history.ICSet: fsm.ICSet,
		history.ICDel: fsm.ICDelete, history.ICSetSlice: fsm.SliceSet, history.ICDelSlice: fsm.SliceDelete,
		history.ICIncrIf: fsm.ICAddIf,
	}[k]
}

func comparatorOf(c history.Comparator) fsm.Comparator {
	return map[history.Comparator]fsm.Comparator{"EQ": fsm.EQ, "NE": fsm.NE, "LT": fsm.Less, "LE": fsm.LE, "GT": fsm.Greater,
		"GE": fsm.GE, "ANY": fsm.ANY}[c]
}

// replyOf is what a Result tells a client.
func replyOf(kind history.Kind, r fsm.Result) history.Reply {
	switch r.Code {
	case fsm.OK, fsm.Skipped:
	case fsm.StaleEpoch:
		return history.Reply{Code: "STALEEPOCH"}
	case fsm.WrongType:
		return history.Reply{Code: "WRONGTYPE"}
	default:
		return history.Reply{Code: "ERR"}
	}
	if kind == history.Cas {
		return history.Reply{Int: r.Value.Int, Old: r.Value.Int, Applied: r.Code == fsm.OK, Present: r.Value.Kind == fsm.Int}
	}
	if kind == history.Set {
		return history.Nil()
	}
	if r.Value.Kind != fsm.List {
		return history.Reply{Int: r.Value.Int, Present: r.Value.Kind == fsm.Int}
	}
	n := ints(r.Value)
	switch kind {
	case history.IncrIf, history.SetIf:
		return history.Reply{Applied: n[0] == 1, Int: n[1], Old: n[2], Present: true}
	case history.ICIncrIf:
		return history.Reply{Applied: n[0] == 1, Int: n[1], Mine: n[2], Old: n[3], OldMine: n[4], Epoch: n[5], Present: true}
	case history.ICDel:
		return history.Reply{Old: n[0], OldMine: n[1], Epoch: n[2], Present: true}
	case history.ICDelSlice:
		return history.Reply{Int: n[0], OldMine: n[1], Epoch: n[2], Present: true}
	}
	return history.Reply{Int: n[0], Mine: n[1], Epoch: n[2], Present: true}
}
