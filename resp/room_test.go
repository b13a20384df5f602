package resp

import (
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

// limit sets the machine's limits, as a leader does.
func (c *testCluster) limit(l fsm.Limits) {
	r := &fsm.Request{Done: func(*fsm.Request) {}}
	r.Add(fsm.LimitOp(l))
	c.answer(request{r, true})
}

func TestAWriteThatFindsNoRoomIsToldWhichLimit(t *testing.T) {
	const (
		noBytes = "(error) OOM command not allowed when used memory > 'maxmemory': it would go beyond the cluster's max-bytes of 130; delete keys or raise it"
		noKeys  = "(error) OOM command not allowed when used memory > 'maxmemory': it would go beyond the cluster's max-keys of 2; delete keys or raise it"
	)
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	for _, row := range []struct {
		limits  fsm.Limits
		command string
		want    string
	}{
		{fsm.Limits{Bytes: 130}, "MSET a 1 b 2", "OK"}, // 65 bytes each
		{fsm.Limits{Bytes: 130}, "INCR c", noBytes},
		{fsm.Limits{Bytes: 130}, "SET a a-longer-text", noBytes},
		{fsm.Limits{Bytes: 130}, "SET a a-longer-text GET", noBytes},
		{fsm.Limits{Bytes: 130}, "SET a 1 EX 10", noBytes},
		{fsm.Limits{Bytes: 130}, "MSET a 7 c 8", noBytes},
		{fsm.Limits{Bytes: 130}, "GET a", `"1"`},
		{fsm.Limits{Bytes: 130}, "SET c 1 XX", "(nil)"},
		{fsm.Limits{Bytes: 130}, "INCR a", "(integer) 2"},
		{fsm.Limits{Bytes: 130}, "EXPIRE a 10", "(integer) 1"},
		{fsm.Limits{Bytes: 130}, "PERSIST a", "(integer) 1"},
		{fsm.Limits{Keys: 2}, "SET c v", noKeys},
		{fsm.Limits{Keys: 2}, "MSET c 1 d 2", noKeys},
		{fsm.Limits{Keys: 2}, "SET a a-longer-text", "OK"},
		{fsm.Limits{Keys: 2}, "DEL a nothing", "(integer) 1"},
		{fsm.Limits{Keys: 2}, "SET c v", "OK"},
		{fsm.Limits{Keys: 2}, "FLUSHALL", "OK"},
	} {
		cluster.limit(row.limits)
		c.send(row.command + "\r\n")
		for cluster.step() {
		}
		if got := formatAll(t, c.replies()); len(got) != 1 || got[0] != row.want {
			t.Errorf("%s: %q, want %q", row.command, got, row.want)
		}
	}
}

// In a pipeline a refusal for want of room is a definite no like any other: what stands behind it goes on.
func TestAPipelineGoesOnBehindAWriteThatFoundNoRoom(t *testing.T) {
	cluster := newTestCluster(t)
	cluster.limit(fsm.Limits{Keys: 1})
	c := newClient(t, cluster)
	c.send("INCR a\r\nINCR b\r\nGET b\r\nINCR a\r\n")
	for cluster.step() {
	}
	c.wants("(integer) 1", "(error) OOM command not allowed when used memory > 'maxmemory': it would go beyond the cluster's "+
		"max-keys of 1; delete keys or raise it", "(nil)", "(integer) 2")
}

func TestTheLimitsAreShown(t *testing.T) {
	cluster := newTestCluster(t)
	cluster.limit(fsm.Limits{Bytes: 3 << 20, Keys: 7})
	c := newClient(t, cluster)
	c.send("INCR a\r\n")
	for cluster.step() {
	}
	c.wants("(integer) 1")
	c.send("CONFIG GET maxmemory\r\n")
	c.wants("1) \"maxmemory\"\n2) \"3145728\"")
	c.send("INFO\r\n")
	info := c.replies()
	for _, want := range []string{"used_memory_dataset:65", "maxmemory:3145728", "maxmemory_human:3.00M", "maxmemory_policy:noeviction",
		"used_bytes:65", "max_bytes:3145728", "max_keys:7"} {
		if !strings.Contains(info, "\r\n"+want+"\r\n") {
			t.Errorf("INFO does not say %q:\n%s", want, info)
		}
	}
}
