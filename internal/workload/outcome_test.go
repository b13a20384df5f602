package workload

import (
	"errors"
	"io"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/internal/history"
)

func TestEachErrorBelongsToAFamily(t *testing.T) {
	for _, c := range []struct {
		err       error
		outcome   history.Outcome
		code      string
		explained bool
	}{
		{io.EOF, history.Unknown, "", true},
		{errors.New("i/o timeout"), history.Unknown, "", true},
		{redis.Error("CLUSTERDOWN not applied: no leader is known"), history.NotApplied, "", true},
		{redis.Error("TRYAGAIN later"), history.NotApplied, "", true},
		{redis.Error("LOADING"), history.NotApplied, "", true},
		{redis.Error("MISCONF low on disk space"), history.NotApplied, "", true},
		{redis.Error("EXECABORT Transaction discarded"), history.NotApplied, "", false},
		{redis.Error("UNKNOWN outcome unknown"), history.Unknown, "", true},
		{redis.Error("STALEEPOCH the epoch is 3"), history.Done, "STALEEPOCH", true},
		{redis.Error("NOSESSION no such session"), history.Unknown, "", false},
		{redis.Error("ONCEDONE executed"), history.Unknown, "", false},
		{redis.Error("ERR unknown command"), history.Done, "ERR", false},
		{redis.Error("PANIC at the disco"), history.Done, "PANIC", false},
	} {
		outcome, code, explained := sorted(c.err)
		if outcome != c.outcome || code != c.code || explained != c.explained {
			t.Errorf("%v: %v, %q, %v, want %v, %q, %v", c.err, outcome, code, explained, c.outcome, c.code, c.explained)
		}
	}
}

func TestRepliesAreUnderstoodOrRefused(t *testing.T) {
	list := func(n ...int64) (all []any) {
		for _, n := range n {
			all = append(all, n)
		}
		return all
	}
	bad := history.Reply{Code: "bad"}
	for _, c := range []struct {
		op    history.Op
		value any
		want  history.Reply
	}{
		{history.Op{Kind: history.Get}, nil, history.Nil()},
		{history.Op{Kind: history.Get}, []byte("-3"), history.Int(-3)},
		{history.Op{Kind: history.Get}, []byte("three"), bad},
		{history.Op{Kind: history.Set}, "OK", history.Nil()},
		{history.Op{Kind: history.Set}, nil, bad},
		{history.Op{Kind: history.Incr}, int64(4), history.Int(4)},
		{history.Op{Kind: history.Incr}, "OK", bad},
		{history.Op{Kind: history.Cas, Operand: 2}, int64(2), history.Reply{Int: 2, Present: true, Old: 2, Applied: true}},
		{history.Op{Kind: history.Cas, Operand: 2}, int64(3), history.Reply{Int: 3, Present: true, Old: 3}},
		{history.Op{Kind: history.IncrIf, Arg: 5}, list(1, 7, 2), history.Reply{Int: 7, Present: true, Old: 2, Applied: true}},
		{history.Op{Kind: history.IncrIf, Arg: 5}, list(7, 5), history.Reply{Int: 7, Present: true, Old: 2, Applied: true}},
		{history.Op{Kind: history.IncrIf, Arg: 5}, list(7, 0), history.Reply{Int: 7, Present: true, Old: 7}},
		{history.Op{Kind: history.IncrIf, Arg: 5}, list(7, 4), bad},
		{history.Op{Kind: history.SetIf}, list(0, 7), bad},
		{history.Op{Kind: history.ICIncr}, list(9, 4, 1), history.Reply{Int: 9, Present: true, Mine: 4, Epoch: 1}},
		{history.Op{Kind: history.ICGet}, list(9, 4), bad},
		{history.Op{Kind: history.ICDelSlice}, list(9, 4, 1), history.Reply{Int: 9, Present: true, OldMine: 4, Epoch: 1}},
		{history.Op{Kind: history.ICIncrIf}, list(1, 9, 4, 8, 3, 2),
			history.Reply{Int: 9, Present: true, Applied: true, Mine: 4, Old: 8, OldMine: 3, Epoch: 2}},
		{history.Op{Kind: history.ICIncrIf}, "OK", bad},
		{history.Op{Kind: history.ICDel}, list(9, 4, 1), history.Reply{Present: true, Old: 9, OldMine: 4, Epoch: 1}},
		{history.Op{Kind: history.ICBeat}, int64(3000), history.Int(3000)},
	} {
		got, ok := understand(c.op, c.value)
		if ok != (c.want != bad) || ok && got != c.want {
			t.Errorf("kind %d, %v: %+v, %v, want %+v", c.op.Kind, c.value, got, ok, c.want)
		}
	}
}
