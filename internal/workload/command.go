package workload

import (
	"strconv"

	"github.com/truecount/truecount/internal/history"
)

// words is the command that an operation stands for.
func words(op history.Op) []any {
	switch op.Kind {
	case history.Incr:
		if op.Arg == 1 {
			return []any{"INCR", op.Key}
		}
		return []any{"INCRBY", op.Key, op.Arg}
	case history.Set:
		if op.TTL > 0 {
			return []any{"SET", op.Key, op.Arg, "PX", op.TTL.Milliseconds()}
		}
		return []any{"SET", op.Key, op.Arg}
	case history.Del:
		return []any{"DEL", op.Key}
	case history.IncrIf:
		return []any{"INCRBYIF", op.Key, string(op.If), op.Operand, op.Arg}
	case history.SetIf:
		return []any{"SETIF", op.Key, string(op.If), op.Operand, op.Arg}
	case history.Cas:
		return []any{"CAS", op.Key, op.Operand, op.Arg}
	case history.ICIncr:
		if op.Epoch > 0 {
			return []any{"IC.INCRBY", op.Key, op.Instance, op.Arg, "EPOCH", op.Epoch}
		}
		return []any{"IC.INCRBY", op.Key, op.Instance, op.Arg}
	case history.ICGet:
		if op.Instance == "" {
			return []any{"IC.GET", op.Key}
		}
		return []any{"IC.GET", op.Key, op.Instance}
	case history.ICSet:
		return []any{"IC.SET", op.Key, op.Instance, op.Arg}
	case history.ICSetSlice:
		return []any{"IC.SETSLICE", op.Key, op.Instance, op.Arg}
	case history.ICDelSlice:
		return []any{"IC.DELSLICE", op.Key, op.Instance}
	case history.ICDel:
		return []any{"IC.DEL", op.Key, op.Instance}
	case history.ICBeat:
		if op.TTL > 0 {
			return []any{"IC.HEARTBEAT", op.Instance, "TTL", op.TTL.Milliseconds()}
		}
		return []any{"IC.HEARTBEAT", op.Instance}
	case history.ICIncrIf:
		return []any{"IC.INCRBYIF", op.Key, op.Instance, string(op.If), op.Operand, op.Arg}
	default:
		return []any{"GET", op.Key}
	}
}

// understand makes a Reply of what a node has answered; false: this operation is never answered so.
func understand(op history.Op, value any) (history.Reply, bool) {
	switch op.Kind {
	case history.Get:
		if value == nil {
			return history.Nil(), true
		}
		n, ok := number(value)
		return history.Int(n), ok
	case history.Set:
		return history.Nil(), value == "OK"
	case history.Incr, history.Del, history.ICBeat:
		n, ok := value.(int64)
		return history.Int(n), ok
	case history.Cas:
		n, ok := number(value)
		return history.Reply{Int: n, Present: true, Old: n, Applied: n == op.Operand}, ok
	}
	n, ok := numbers(value)
	r := history.Reply{Present: true}
	switch {
	case !ok:
		return r, false
	case op.Kind == history.IncrIf && len(n) == 2: // INCREX: the new number, and what was added
		r.Int, r.Old, r.Applied = n[0], n[0]-n[1], n[1] != 0
		return r, n[1] == 0 || n[1] == op.Arg
	case (op.Kind == history.IncrIf || op.Kind == history.SetIf) && len(n) == 3:
		r.Applied, r.Int, r.Old = n[0] == 1, n[1], n[2]
	case op.Kind == history.ICIncrIf && len(n) == 6:
		r.Applied, r.Int, r.Mine, r.Old, r.OldMine, r.Epoch = n[0] == 1, n[1], n[2], n[3], n[4], n[5]
	case op.Kind == history.ICDelSlice && len(n) == 3:
		r.Int, r.OldMine, r.Epoch = n[0], n[1], n[2]
	case op.Kind == history.ICDel && len(n) == 3:
		r.Old, r.OldMine, r.Epoch = n[0], n[1], n[2]
	case op.Kind >= history.ICIncr && op.Kind <= history.ICSetSlice && len(n) == 3:
		r.Int, r.Mine, r.Epoch = n[0], n[1], n[2]
	default:
		return r, false
	}
	return r, true
}

// number reads an integer, or a bulk string that is one.
func number(value any) (int64, bool) {
	switch v := value.(type) {
	case int64:
		return v, true
	case []byte:
		n, err := strconv.ParseInt(string(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

func numbers(value any) ([]int64, bool) {
	list, ok := value.([]any)
	n := make([]int64, len(list))
	for i := range list {
		var is bool
		n[i], is = number(list[i])
		ok = ok && is
	}
	return n, ok
}
