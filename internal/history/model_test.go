package history

import (
	"testing"
	"time"
)

// ic is an answered Op of an instance counter: total, mine, epoch.
func ic(kind Kind, instance string, arg, call, total, mine, epoch int64) Op {
	return Op{Kind: kind, Key: "k", Instance: instance, Arg: arg, Outcome: Done, Call: call, Return: call + 1,
		At: time.Duration(call) * time.Second, End: time.Duration(call)*time.Second + time.Millisecond,
		Reply: Reply{Int: total, Mine: mine, Epoch: epoch, Present: true}}
}

func icget(instance string, call, total, mine, epoch int64) Op {
	return ic(ICGet, instance, 0, call, total, mine, epoch)
}

func icif(instance string, arg, call int64, r Reply) Op {
	op := ic(ICIncrIf, instance, arg, call, r.Int, r.Mine, r.Epoch)
	op.If, op.Operand, op.Reply = "LT", 5, r
	return op
}

func beat(instance string, call int64) Op {
	return Op{Kind: ICBeat, Instance: instance, Outcome: Done, Call: call, Return: call + 1, At: time.Duration(call) * time.Second,
		End: time.Duration(call)*time.Second + time.Millisecond}
}

func on(key string, op Op) Op {
	op.Key = key
	return op
}

func with(op Op, change func(op *Op)) Op {
	change(&op)
	return op
}

func token(name string, op Op) Op {
	op.Token = name
	return op
}

func group(id int64, op Op) Op {
	op.Group = id
	return op
}

func incrif(arg, operand, call int64, applied bool, now, old int64) Op {
	return Op{Kind: IncrIf, Key: "k", Arg: arg, If: "LT", Operand: operand, Outcome: Done, Call: call, Return: call + 1,
		Reply: Reply{Int: now, Old: old, Applied: applied, Present: true}}
}

func cas(from, to, call, before int64) Op {
	return Op{Kind: Cas, Key: "k", Arg: to, Operand: from, Outcome: Done, Call: call, Return: call + 1, Reply: Reply{Int: before, Old: before, Present: true}}
}

// setFor is a Set with a TTL of seconds; a second is a stamp.
func setFor(seconds, value, call int64) Op {
	op := set(value, call, call+1)
	op.TTL, op.At, op.End = time.Duration(seconds)*time.Second, time.Duration(call)*time.Second, time.Duration(call)*time.Second
	return op
}

func getAt(call int64, reply Reply) Op {
	op := get(call, reply, call+1)
	op.At, op.End = time.Duration(call)*time.Second, time.Duration(call)*time.Second
	return op
}

func refused(code string, op Op) Op {
	op.Reply = Reply{Code: code}
	return op
}

func inEpoch(epoch int64, op Op) Op {
	op.Epoch = epoch
	return op
}

// The lease is 10 s in these; a stamp is a second.
var explained = map[string][]Op{
	"conditions":                         {incrif(3, 5, 1, true, 3, 0), incrif(3, 5, 3, true, 6, 3), incrif(3, 5, 5, false, 6, 6), get(7, Int(6), 8)},
	"compare and set":                    {cas(0, 4, 1, 0), cas(4, 9, 3, 4), cas(4, 7, 5, 9), get(7, Int(9), 8)},
	"an overflow is refused":             {set(1<<62, 1, 2), refused("ERR", add(1<<62, 3, 0, 4)), get(5, Int(1<<62), 6)},
	"no room changes nothing":            {refused("OOM", incr(1, 0, 2)), get(3, Nil(), 4)},
	"a token applied once":               {token("s/1", unknown(incr(1, 0, 0))), token("s/1", incr(3, 1, 4)), incr(5, 2, 6), token("s/1", incr(7, 1, 8))},
	"a token that an older attempt did":  {token("s/1", unknown(incr(1, 0, 0))), get(2, Int(1), 3), token("s/1", incr(4, 1, 5))},
	"a token that was forgotten":         {token("s/1", unknown(incr(1, 0, 0))), token("s/1", refused("NOSESSION", incr(3, 0, 4))), get(5, Int(1), 6)},
	"a transfer":                         {on("b", set(0, 1, 2)), set(9, 3, 4), group(1, add(-4, 5, 5, 9)), group(1, on("b", add(4, 6, 4, 9))), on("b", get(10, Int(4), 11))},
	"a lost MULTI may be":                {group(1, unknown(add(2, 1, 0, 0))), group(1, on("b", unknown(add(3, 2, 0, 0)))), get(4, Int(2), 5), on("b", get(6, Int(3), 7))},
	"a TTL":                              {setFor(5, 3, 1), getAt(4, Int(3)), getAt(7, Nil()), add(2, 9, 2, 10)},
	"a TTL that a Set takes off":         {setFor(5, 3, 1), set(4, 3, 4), getAt(9, Int(4))},
	"instances":                          {ic(ICIncr, "a", 2, 1, 2, 2, 0), ic(ICIncr, "b", 3, 3, 5, 3, 0), icget("a", 5, 5, 2, 0), icget("", 7, 5, 0, 0)},
	"a new epoch":                        {ic(ICIncr, "a", 2, 1, 2, 2, 4), ic(ICSet, "b", 9, 3, 9, 9, 5), refused("STALEEPOCH", inEpoch(4, ic(ICIncr, "a", 1, 5, 0, 0, 0))), ic(ICIncr, "a", 1, 7, 10, 1, 5)},
	"slices set and gone":                {ic(ICIncr, "a", 2, 1, 2, 2, 0), ic(ICSetSlice, "b", 5, 3, 7, 5, 0), with(ic(ICDelSlice, "a", 0, 5, 5, 0, 0), func(o *Op) { o.Reply.OldMine = 2 })},
	"deleted":                            {ic(ICIncr, "a", 2, 1, 2, 2, 0), with(ic(ICDel, "a", 0, 3, 0, 0, 1), func(o *Op) { o.Reply.Old, o.Reply.OldMine = 2, 2 }), icget("a", 5, 0, 0, 1)},
	"an instance condition":              {icif("a", 4, 1, Reply{Int: 4, Mine: 4, Applied: true}), icif("a", 4, 3, Reply{Int: 8, Mine: 8, Old: 4, OldMine: 4, Applied: true}), icif("b", 1, 5, Reply{Int: 8, Old: 8})},
	"a death":                            {ic(ICIncr, "a", 2, 1, 2, 2, 0), ic(ICIncr, "b", 3, 5, 5, 3, 0), icget("", 13, 3, 0, 0)},
	"no death, though it could be":       {ic(ICIncr, "a", 2, 1, 2, 2, 0), ic(ICIncr, "b", 3, 5, 5, 3, 0), icget("", 13, 5, 0, 0)},
	"death and return":                   {ic(ICIncr, "a", 2, 1, 2, 2, 0), ic(ICIncr, "b", 3, 5, 5, 3, 0), icget("", 13, 3, 0, 0), ic(ICIncr, "a", 1, 16, 6, 3, 0)},
	"two deaths":                         {ic(ICIncr, "a", 2, 1, 2, 2, 0), icget("", 13, 0, 0, 0), ic(ICIncr, "a", 1, 16, 3, 3, 0), icget("", 18, 3, 0, 0), icget("", 30, 0, 0, 0)},
	"a return that a read brings":        {ic(ICIncr, "a", 2, 1, 2, 2, 0), icget("", 13, 0, 0, 0), icget("a", 16, 2, 2, 0), icget("", 18, 2, 0, 0)},
	"a return that a heartbeat brings":   {ic(ICIncr, "a", 2, 1, 2, 2, 0), icget("", 13, 0, 0, 0), beat("a", 16), icget("", 18, 0, 0, 0), icget("", 20, 2, 0, 0)},
	"heartbeats that keep it alive":      {ic(ICIncr, "a", 2, 1, 2, 2, 0), beat("a", 6), beat("a", 12), icget("", 18, 2, 0, 0)},
	"a lost sign, then another death":    {ic(ICIncr, "a", 2, 1, 2, 2, 0), icget("", 13, 0, 0, 0), unknown(ic(ICIncr, "a", 1, 16, 0, 0, 0)), icget("", 18, 3, 0, 0), icget("", 29, 0, 0, 0)},
	"an instance works on another key":   {ic(ICIncr, "a", 2, 1, 2, 2, 0), icget("", 13, 0, 0, 0), on("o", ic(ICIncr, "a", 1, 15, 1, 1, 0)), icget("", 17, 2, 0, 0)},
	"many adds of one odd amount":        {add(7, 1, 7, 2), unknown(add(7, 3, 0, 0)), get(5, Int(14), 6), add(7, 7, 21, 8)},
	"a plain DEL ends an instance count": {ic(ICIncr, "a", 2, 1, 2, 2, 3), del(3, 1, 4), ic(ICIncr, "a", 1, 5, 1, 1, 4)},
}

var unexplained = map[string][]Op{
	"a condition decided wrong":             {incrif(3, 5, 1, true, 3, 0), incrif(3, 2, 3, true, 6, 3)},
	"a condition with a wrong old value":    {incrif(3, 5, 1, true, 3, 1), get(3, Int(3), 4)},
	"compare and set over another value":    {set(4, 1, 2), cas(3, 9, 3, 4), get(5, Int(9), 6)},
	"an overflow refused without one":       {set(1, 1, 2), refused("ERR", incr(3, 0, 4)), set(1<<62, 5, 6), add(1<<61, 7, 3<<61, 8)},
	"a token applied twice":                 {token("s/1", unknown(incr(1, 0, 0))), token("s/1", incr(3, 2, 4)), get(5, Int(2), 6)},
	"a token after its refusal and no more": {token("s/1", notApplied(incr(1, 0, 0))), get(3, Int(1), 4)},
	"half a transfer":                       {on("b", set(0, 1, 2)), set(9, 3, 4), group(1, add(-4, 5, 5, 9)), group(1, on("b", add(4, 6, 4, 9))), on("b", get(10, Nil(), 11))},
	"a torn MULTI":                          {group(1, unknown(add(2, 1, 0, 0))), group(1, on("b", unknown(set(3, 2, 0)))), get(4, Int(2), 5), on("b", get(6, Nil(), 7)), get(8, Int(2), 9)},
	"a TTL that ends early":                 {setFor(5, 3, 1), getAt(4, Nil())},
	"a total without a slice":               {ic(ICIncr, "a", 2, 1, 2, 2, 0), ic(ICIncr, "b", 3, 3, 3, 3, 0)},
	"another's slice":                       {ic(ICIncr, "a", 2, 1, 2, 2, 0), ic(ICIncr, "b", 3, 3, 5, 5, 0)},
	"an epoch that did not change":          {ic(ICIncr, "a", 2, 1, 2, 2, 4), ic(ICSet, "b", 9, 3, 9, 9, 4)},
	"an epoch unchecked":                    {ic(ICIncr, "a", 2, 1, 2, 2, 4), ic(ICSet, "b", 9, 3, 9, 9, 5), inEpoch(4, ic(ICIncr, "a", 1, 5, 10, 1, 5))},
	"STALEEPOCH in the right epoch":         {ic(ICIncr, "a", 2, 1, 2, 2, 4), refused("STALEEPOCH", inEpoch(4, ic(ICIncr, "a", 1, 5, 0, 0, 0)))},
	"a slice of an old epoch that counts":   {ic(ICIncr, "a", 2, 1, 2, 2, 4), ic(ICSet, "b", 9, 3, 9, 9, 5), ic(ICIncr, "a", 1, 7, 12, 3, 5)},
	"a death before its time":               {ic(ICIncr, "a", 2, 1, 2, 2, 0), ic(ICIncr, "b", 3, 5, 5, 3, 0), icget("", 9, 3, 0, 0)},
	"a death in spite of heartbeats":        {ic(ICIncr, "a", 2, 1, 2, 2, 0), beat("a", 6), beat("a", 12), icget("", 18, 0, 0, 0)},
	"a death after a later sign":            {ic(ICIncr, "a", 2, 1, 2, 2, 0), ic(ICIncr, "a", 2, 13, 4, 4, 0), icget("", 16, 0, 0, 0)},
	"a return twice":                        {ic(ICIncr, "a", 2, 1, 2, 2, 0), icget("", 13, 0, 0, 0), ic(ICIncr, "a", 1, 16, 5, 5, 0)},
	"a return from nowhere":                 {ic(ICIncr, "a", 2, 1, 2, 2, 0), icget("", 13, 0, 0, 0), icget("", 16, 2, 0, 0), icget("", 18, 0, 0, 0)},
	"adds of 7 that make 8":                 {add(7, 1, 7, 2), get(3, Int(8), 4)},
}

func checkRun(ops []Op) Verdict {
	return Verify(&Run{Header: Header{Lease: 10 * time.Second}, Ops: ops}, time.Minute)[0]
}

func exactRun(ops []Op) Verdict {
	return Verify(&Run{Header: Header{Lease: 10 * time.Second}, Ops: ops}, time.Minute)[1]
}

func TestWhatTheModelExplainsPasses(t *testing.T) {
	for name, ops := range explained {
		if v := checkRun(ops); !v.Passed() {
			t.Errorf("%s: %+v", name, v)
		}
		if v := exactRun(ops); !v.Passed() {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestATTLMayEndEarlyIfTheHeaderSaysSo(t *testing.T) {
	run := &Run{Header: Header{Early: 2 * time.Second}, Ops: unexplained["a TTL that ends early"]}
	for _, v := range Verify(run, time.Minute) {
		if v.Anomaly() {
			t.Errorf("%+v", v)
		}
	}
	run.Header.Early = time.Second / 2
	if v := Verify(run, time.Minute)[0]; !v.Anomaly() {
		t.Errorf("%+v", v)
	}
}

func TestWhatTheModelCannotExplainIsCaught(t *testing.T) {
	for name, ops := range unexplained {
		if a, b := checkRun(ops), exactRun(ops); !a.Anomaly() && !b.Anomaly() {
			t.Errorf("%s: %+v, %+v", name, a, b)
		}
	}
}
