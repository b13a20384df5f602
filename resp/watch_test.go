package resp

import (
	"testing"
)

func TestNoReadBehindAWatchIsOfAMomentBeforeIt(t *testing.T) {
	cluster := newTestCluster(t)
	c, other := newClient(t, cluster), newClient(t, cluster)
	c.send("INCR a\r\nWATCH k\r\nGET k\r\n") // GET k could ride behind INCR a, and WATCH can't
	other.send("SET k other\r\n")
	for cluster.step() {
	}
	other.wants("OK")
	c.wants("(integer) 1", "OK", `"other"`)
	c.send("MULTI\r\nINCR a\r\nEXEC\r\n")
	for cluster.step() {
	}
	c.wants("OK", "QUEUED", "1) (integer) 2")
}

func TestOwnWritesBehindAWatchCount(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nWATCH k\r\nSET k 1\r\nMULTI\r\nINCR k\r\nEXEC\r\n")
	for c.cluster.step() {
	}
	c.wants("(integer) 1", "OK", "OK", "OK", "QUEUED", "(nil)")
}

func TestTransactionsAreStrongAtEveryLevel(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("CONSISTENCY STALE\r\nSET k 1\r\nWATCH k\r\nGET k\r\n")
	for c.cluster.step() {
	}
	c.wants("OK", "OK", "OK", `"1"`)
	c.asked("propose 1", "read strong 2")
	c.send("MULTI\r\nGET k\r\nEXEC\r\nUNWATCH\r\nMULTI\r\nGET k\r\nEXEC\r\nGET k\r\n")
	for c.cluster.step() {
	}
	c.wants("OK", "QUEUED", "1) \"1\"", "OK", "OK", "QUEUED", "1) \"1\"", `"1"`)
	c.asked("propose 1", "read strong 1", "read stale 1")
}
