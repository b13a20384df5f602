package resp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

// mistake is a command that is refused without asking the cluster, and how.
type mistake struct {
	want string
	args []string
}

const (
	badInteger = "(error) ERR value is not an integer or out of range"
	badSyntax  = "(error) ERR syntax error"
	noName     = "(error) ERR instance name is empty (it has 1 to 255 bytes)"
	longName   = "(error) ERR instance name is longer than 255 bytes"
	noKey      = "(error) ERR key is empty (a key has 1 to 1024 bytes)"
)

func badArity(name string) string {
	return "(error) ERR wrong number of arguments for '" + name + "' command"
}

func wantsMistakes(t *testing.T, rows []mistake) {
	t.Helper()
	for _, row := range rows {
		c := newClient(t, newTestCluster(t))
		c.send(packed(row.args...))
		c.wants(row.want)
		c.asked()
	}
}

func TestWhatCanNotBeDoneWithASliceIsRefusedAtTheDoor(t *testing.T) {
	long := strings.Repeat("i", fsm.MaxInstance+1)
	wantsMistakes(t, []mistake{
		{noKey, []string{"IC.INCRBY", "", "i", "1"}},
		{noName, []string{"IC.INCRBY", "k", "", "1"}},
		{longName, []string{"IC.INCRBY", "k", long, "1"}},
		{badInteger, []string{"IC.INCRBY", "k", "i", "1.5"}},
		{"(error) ERR decrement would overflow", []string{"IC.DECRBY", "k", "i", "-9223372036854775808"}},
		{badSyntax, []string{"IC.INCRBY", "k", "i", "1", "EPOCH"}},
		{badSyntax, []string{"IC.INCRBY", "k", "i", "1", "AGE", "1"}},
		{"(error) ERR invalid epoch '-1': it is an integer from 0 on, the last that IC.GET replies", []string{"IC.INCRBY", "k", "i", "1", "EPOCH", "-1"}},
		{"(error) ERR invalid epoch 'x': it is an integer from 0 on, the last that IC.GET replies", []string{"IC.DECRBY", "k", "i", "1", "EPOCH", "x"}},
		{badArity("ic.get"), []string{"IC.GET", "k", "i", "j"}},
		{noName, []string{"IC.GET", "k", ""}},
		{noKey, []string{"IC.GET", ""}},
		{noName, []string{"IC.MGET", "", "k"}},
		{noKey, []string{"IC.MGET", "i", "k", ""}},
		{"(error) ERR too many keys: 'ic.mget' takes at most 1000", append([]string{"IC.MGET"}, repeat("i", maxGroupReads+1, "k")...)},
		{badArity("ic.mincrby"), []string{"IC.MINCRBY", "i", "k", "1", "l"}},
		{badInteger, []string{"IC.MINCRBY", "i", "k", "1", "l", "x"}},
		{longName, []string{"IC.MINCRBY", long, "k", "1"}},
		{"(error) ERR too many keys: 'ic.mincrby' takes at most 16384", append([]string{"IC.MINCRBY"}, repeat("i", maxCommandKeys+1, "k", "1")...)},
		{badInteger, []string{"IC.SET", "k", "i", ""}},
		{badInteger, []string{"IC.SETSLICE", "k", "i", "9223372036854775808"}},
		{longName, []string{"IC.DEL", "k", long}},
		{badArity("ic.del"), []string{"IC.DEL", "k", "i", "j"}},
		{noName, []string{"IC.DELSLICE", "k", ""}},
		{"(error) ERR unknown comparator 'XX'; use EQ, NE, LT, LE, GT, GE or ANY", []string{"IC.INCRBYIF", "k", "i", "XX", "1", "1"}},
		{"(error) ERR value is not a valid float", []string{"IC.SETIF", "k", "i", "EQ", "x", "1"}},
		{badInteger, []string{"IC.SETSLICEIF", "k", "i", "EQ", "1", "1.5"}},
	})
}

func TestWhatCanNotBeDoneWithAnInstanceIsRefusedAtTheDoor(t *testing.T) {
	long := strings.Repeat("i", fsm.MaxInstance+1)
	const (
		lease  = "(error) ERR the lease must be from 3000 to 86400000 milliseconds"
		cursor = "(error) ERR invalid cursor"
	)
	wantsMistakes(t, []mistake{
		{badSyntax, []string{"IC.HEARTBEAT", "i", "TTL"}},
		{badSyntax, []string{"IC.HEARTBEAT", "i", "EX", "5000"}},
		{badInteger, []string{"IC.HEARTBEAT", "i", "TTL", "x"}},
		{lease, []string{"IC.HEARTBEAT", "i", "TTL", "2999"}},
		{lease, []string{"IC.HEARTBEAT", "i", "TTL", "86400001"}},
		{noName, []string{"IC.HEARTBEAT", ""}},
		{longName, []string{"IC.CLEARINSTANCE", long}},
		{badSyntax, []string{"IC.CLEAR", "a*"}},
		{badSyntax, []string{"IC.CLEAR", "GLOB", "a*"}},
		{"(error) ERR pattern is longer than 1024 bytes", []string{"IC.CLEAR", "MATCH", strings.Repeat("a", maxPattern+1)}},
		{"(integer) 0", []string{"IC.CLEAR", "MATCH", ""}},
		{cursor, []string{"IC.SLICES", "k", "x"}},
		{cursor, []string{"IC.SLICES", "k", "COUNT", "10"}},
		{badSyntax, []string{"IC.SLICES", "k", "0", "COUNT"}},
		{badSyntax, []string{"IC.SLICES", "k", "0", "COUNT", "1", "COUNT", "1"}},
		{badSyntax, []string{"IC.SLICES", "k", "0", "COUNT", "0"}},
		{badSyntax, []string{"IC.SLICES", "k", "0", "MATCH", "1"}},
		{noKey, []string{"IC.SLICES", ""}},
		{cursor, []string{"IC.INSTANCES", "-x"}},
		{badInteger, []string{"IC.INSTANCES", "0", "COUNT", "x"}},
		{cursor, []string{"IC.INSTANCES", "COUNT", "10"}},
		{badSyntax, []string{"IC.INSTANCES", "0", "COUNT"}},
		{badSyntax, []string{"IC.BIND", "i", "STALE"}},
		{badSyntax, []string{"IC.BIND", "i", "FRESH", "FRESH"}},
		{noName, []string{"IC.BIND", ""}},
	})
}

// list is a Result as the Machine answers it.
func list(values ...int64) fsm.Result {
	vs := make([]fsm.Value, len(values))
	for i, n := range values {
		vs[i] = fsm.IntValue(n)
	}
	return fsm.Result{Value: fsm.ListValue(vs...)}
}

// give answers the oldest request with these Results.
func (c *testCluster) give(results ...fsm.Result) {
	c.mu.Lock()
	r := c.pop()
	if r.proposed {
		c.index++
		r.Index = c.index
	}
	c.mu.Unlock()
	r.Results = r.Results[:0]
	for _, result := range results {
		r.Results = appendResult(r.Results, result)
	}
	r.Done(r.Request)
}

func appendResult(to fsm.Results, r fsm.Result) fsm.Results {
	to = append(to, 15<<4|byte(r.Value.Kind), byte(r.Code))
	switch r.Value.Kind {
	case fsm.Int:
		n := uint64(r.Value.Int<<1) ^ uint64(r.Value.Int>>63)
		for ; n >= 0x80; n >>= 7 {
			to = append(to, byte(n)|0x80)
		}
		to = append(to, byte(n))
	case fsm.List:
		n := len(r.Value.Text)
		for ; n >= 0x80; n >>= 7 {
			to = append(to, byte(n)|0x80)
		}
		to = append(append(to, byte(n)), r.Value.Text...)
	}
	return to
}

func TestAnIncrementForAnotherEpochNamesBothAndTheCure(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("IC.INCRBY k i 1 EPOCH 6\r\n")
	c.cluster.give(fsm.Result{Code: fsm.StaleEpoch, Value: fsm.IntValue(7)})
	c.wants("(error) STALEEPOCH the counter is in epoch 7 and this was for epoch 6: drop what was counted for it, and go on in the epoch that IC.GET replies")
}

func TestOneOfManyIncrementsMayFailAlone(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("IC.MINCRBY i a 1 b 1 c 1\r\n")
	c.asked("propose 3")
	c.cluster.give(list(5, 2, 0), fsm.Result{Code: fsm.Overflow}, list(1, 1, 3))
	c.wants("1) 1) (integer) 5\n   2) (integer) 2\n   3) (integer) 0\n2) (error) ERR increment or decrement would overflow\n3) 1) (integer) 1\n   2) (integer) 1\n   3) (integer) 3")
	c.send("IC.MINCRBY i a 1 b 1\r\n")
	full := fsm.Result{Code: fsm.FullInstances, Value: fsm.IntValue(10)}
	c.cluster.give(full, full)
	c.wants("(error) OOM command not allowed when used memory > 'maxmemory': it would go beyond the cluster's max-instances of 10; " +
		"an instance that is gone is forgotten after an hour, or a lease after IC.CLEARINSTANCE; or raise it")
}

func TestClearingWhatMatchesIsManyStepsAndAddsThemUp(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nIC.CLEAR MATCH a*\r\nPING\r\n")
	c.asked("propose 1")
	c.cluster.step()
	c.wants("(integer) 1")
	c.asked("propose 1")
	c.cluster.give(list(77, 1000))
	c.wants()
	c.asked("propose 1")
	c.cluster.give(list(0, 3))
	c.wants("(integer) 1003", "PONG")
	if g := &c.session.door.gate; g.passed != 0 || g.heavy != 0 {
		t.Errorf("%d pages are at the gate still, of weight %d", g.heavy, g.passed)
	}

	c.send("IC.CLEAR MATCH a*\r\n")
	c.cluster.give(list(77, 1000))
	c.cluster.fail(fmt.Errorf("no leader: %w", fsm.ErrNotApplied))
	c.wants("(error) UNKNOWN 1000 counters are cleared, and perhaps more: no leader: not applied")
	c.session.inputEmpty()
	c.send("IC.CLEAR MATCH a*\r\n")
	c.cluster.fail(fmt.Errorf("no leader: %w", fsm.ErrNotApplied))
	c.wants("(error) CLUSTERDOWN no leader: not applied")
}

func TestClearingWhatMatchesIsNotAllowedInATransaction(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("MULTI\r\nIC.CLEAR MATCH a*\r\nEXEC\r\n")
	c.wants("OK", "(error) ERR 'ic.clear' is not allowed inside a transaction: with these arguments it takes several steps",
		"(error) EXECABORT Transaction discarded because of previous errors.")
	c.asked()
}

func TestPagesOfInstancesCountLikePagesOfKeys(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("MULTI\r\n" + strings.Repeat("IC.INSTANCES\r\n", maxQueuedPages) + "IC.SLICES k\r\n")
	got := formatAll(t, c.replies())
	if last := got[len(got)-1]; last != "(error) ERR transaction is too large: it may read 100 pages of keys" {
		t.Errorf("the last answer is %q", last)
	}
}

func TestEveryLifeHasItsWord(t *testing.T) {
	for life, want := range map[fsm.Life]string{fsm.Alive: "alive", fsm.Bound: "bound", fsm.Leaving: "leaving", fsm.Gone: "gone", fsm.Parked: "parked", 99: "unknown"} {
		c := newClient(t, newTestCluster(t))
		c.send("IC.SLICES k\r\n")
		page := []fsm.Value{fsm.IntValue(0), {Kind: fsm.Text, Text: []byte("i")}, fsm.IntValue(5), fsm.IntValue(int64(life)), fsm.IntValue(7)}
		c.cluster.give(fsm.Result{Value: fsm.ListValue(page...)})
		c.wants("1) \"0\"\n2) 1) 1) \"i\"\n      2) (integer) 5\n      3) \"" + want + "\"\n      4) (integer) 7")
	}
}
