package resp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

func TestBindingsAreBounded(t *testing.T) {
	const tooMany = "(error) ERR too many instances are bound: a connection may bind 100; use another one"
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	for i := range maxBound - 1 {
		c.send(fmt.Sprintf("IC.BIND i%d\r\n", i))
		for len(cluster.pending) > 0 {
			cluster.give(fsm.Result{Value: fsm.IntValue(1)})
		}
		c.wants("OK")
	}
	c.send("MULTI\r\nIC.BIND x\r\nIC.BIND y\r\nEXEC\r\n")
	cluster.give(fsm.Result{Value: fsm.IntValue(1)})
	c.wants("OK", "QUEUED", "QUEUED", "1) OK\n2) "+tooMany)
	c.send("IC.BIND y\r\nIC.BIND x\r\n")
	cluster.give(fsm.Result{Value: fsm.IntValue(1)})
	c.wants(tooMany, "OK")
}

const nodeIsFull = "ERR too many instances are bound: all connections of this node together may bind 100000; use another node"

func TestBindingsOfANodeAreBoundedWithThoseOfWhichTheMachineMustBeTold(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	one := fsm.Result{Value: fsm.IntValue(1)}
	c.send("IC.BIND i\r\nMULTI\r\nIC.BIND j\r\nIC.BIND k\r\n")
	cluster.give(one)
	c.wants("OK", "OK", "QUEUED", "QUEUED")
	b := c.session.door.bindings
	b.part(binding{instances: make([]string, maxBound)})
	b.held = maxNodeBound - maxBound - 1 // of others, but for i
	c.send("EXEC\r\n")
	c.wants("(error) EXECABORT Transaction discarded because of: " + strings.TrimPrefix(nodeIsFull, "ERR "))
	c.asked("propose 1")
	c.send("IC.BIND j\r\n")
	cluster.give(one)
	c.wants("OK")
	c.send("IC.BIND k\r\nIC.BIND i\r\n") // i is bound, and counts already
	cluster.give(one)
	c.wants("(error) "+nodeIsFull, "OK")
}

func TestWhatAConnectionBindsCountsAsHeldByIt(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	name := strings.Repeat("i", fsm.MaxInstance)
	c.send("IC.BIND " + name + "\r\n")
	c.cluster.give(fsm.Result{Value: fsm.IntValue(1)})
	c.wants("OK")
	held := c.session.holds()
	c.session.bound = binding{}
	if n := held - c.session.holds(); n < fsm.MaxInstance {
		t.Errorf("it holds %d bytes for a name of %d", n, len(name))
	}
}
