package resp

import (
	"fmt"
	"slices"
	"testing"

	"github.com/truecount/truecount/fsm"
)

func TestChangesOfMembersAreHandedOver(t *testing.T) {
	for line, want := range map[string]fsm.Change{
		"TRUECOUNT JOIN 10.0.0.1:7379": {Kind: fsm.ChangeJoin, Target: "10.0.0.1:7379"},
		"TRUECOUNT join node-b:1":      {Kind: fsm.ChangeJoin, Target: "node-b:1"},
		"CLUSTER MEET 10.0.0.1 7379":   {Kind: fsm.ChangeJoin, Target: "10.0.0.1:7379"},
		"CLUSTER MEET ::1 7379 17379":  {Kind: fsm.ChangeJoin, Target: "[::1]:7379"},
		"TRUECOUNT LEAVE":              {Kind: fsm.ChangeLeave},
		"TRUECOUNT REMOVE n3":          {Kind: fsm.ChangeRemove, Target: "n3"},
		"CLUSTER FORGET n3-0123456789": {Kind: fsm.ChangeRemove, Target: "n3-0123456789"},
		"TRUECOUNT TRANSFER":           {Kind: fsm.ChangeTransfer},
		"TRUECOUNT TRANSFER n2":        {Kind: fsm.ChangeTransfer, Target: "n2"},
	} {
		cluster := newTestCluster(t)
		c := newClient(t, cluster)
		c.send(line + "\r\nPING\r\n")
		c.wants() // it waits, and what is behind it waits with it
		cluster.step()
		c.wants("OK", "PONG")
		if !slices.Equal(cluster.changes, []fsm.Change{want}) {
			t.Errorf("%s asked for %+v, want %+v", line, cluster.changes, want)
		}
	}
}

func TestAChangeThatIsNotMadeSaysWhyInTheWordsOfItsFamily(t *testing.T) {
	for made, want := range map[error]string{
		fmt.Errorf("%w: no member \"n9\"", fsm.ErrRefused):      "(error) ERR refused: no member \"n9\"",
		fmt.Errorf("%w: no leader is known", fsm.ErrNotApplied): "(error) CLUSTERDOWN not applied: no leader is known",
		fmt.Errorf("%w: connection lost", fsm.ErrUnknown):       "(error) UNKNOWN outcome unknown: connection lost",
	} {
		cluster := newTestCluster(t)
		cluster.made = made
		c := newClient(t, cluster)
		c.send("TRUECOUNT REMOVE n9\r\n")
		cluster.step()
		c.wants(want)
	}
}

func TestTheDigestIsOfWhatTheNodeHolds(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("INCR hits\r\nTRUECOUNT DIGEST\r\n")
	cluster.step()
	cluster.step()
	c.wants("(integer) 1", fmt.Sprintf(`"{\"index\":%d,\"digest\":\"%016x\"}"`, cluster.machine.Index(), cluster.machine.Digest()))
}

func TestWhatIsNoAddressIsRefusedAtTheDoor(t *testing.T) {
	for line, want := range map[string]string{
		"CLUSTER MEET 10.0.0.1 nine":  "(error) ERR Invalid node address specified: 10.0.0.1:nine",
		"CLUSTER MEET 10.0.0.1 0":     "(error) ERR Invalid node address specified: 10.0.0.1:0",
		"CLUSTER MEET 10.0.0.1 65536": "(error) ERR Invalid node address specified: 10.0.0.1:65536",
		"TRUECOUNT JOIN nowhere":      "(error) ERR 'nowhere' is not an address: give the host:port of a node's RESP door",
		"TRUECOUNT JOIN :7379":        "(error) ERR ':7379' is not an address: give the host:port of a node's RESP door",
		"TRUECOUNT TRANSFER n1 n2":    "(error) ERR wrong number of arguments for 'truecount|transfer' command",
		"CLUSTER FORGET n1":           "(error) ERR I tried hard but I can't forget myself... (TRUECOUNT LEAVE does)",
		"CLUSTER MEET 10.0.0.1":       "(error) ERR wrong number of arguments for 'cluster|meet' command",
		"TRUECOUNT LEAVE now":         "(error) ERR wrong number of arguments for 'truecount|leave' command",
	} {
		cluster := newTestCluster(t)
		c := newClient(t, cluster)
		c.send(line + "\r\n")
		c.wants(want)
		if len(cluster.changes) > 0 {
			t.Errorf("%s asked for %+v", line, cluster.changes)
		}
	}
}

func TestARemovedNodeSaysSo(t *testing.T) {
	cluster := newTestCluster(t)
	cluster.removal = fmt.Errorf("%w: node n1 was removed from its cluster", fsm.ErrNotApplied)
	refusal := "(error) CLUSTERDOWN not applied: node n1 was removed from its cluster"
	for _, line := range []string{"PING", "ECHO hi", "WAIT 1 0", "CONSISTENCY", "TRUECOUNT LEAVE", "CLUSTER FORGET n3"} {
		c := newClient(t, cluster)
		c.send(line + "\r\n")
		c.wants(refusal)
	}
	for _, line := range []string{"INFO cpu", "HELLO", "COMMAND COUNT", "CLUSTER MYID", "CONFIG GET save", "TRUECOUNT STATUS"} {
		c := newClient(t, cluster)
		c.send(line + "\r\n")
		for cluster.step() {
		}
		if got := formatAll(t, c.replies()); len(got) != 1 || got[0] == refusal {
			t.Errorf("%s answered %q", line, got)
		}
	}
}
