package cluster_test

import (
	"testing"
	"testing/synctest"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// A heartbeat is handled beside raft's main goroutine, which may be about to append as the leader that it still is.
func TestAHeartbeatAloneDeposesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := healthy(t)
		defer c.Stop()
		leader := c.Node(c.Leader())
		p := forge(t, c, "stranger", c.Secret, c.Node("n2").Introduce())
		s := &stock{t: t, c: c, dial: p.DialRaft}
		trans := s.transport()
		defer trans.Close()
		before := leader.Local().Term
		message := &raft.AppendEntriesRequest{RPCHeader: s.header(), Term: before + 1}
		var answer raft.AppendEntriesResponse
		if err := trans.AppendEntries("n1", "n1:17379", message, &answer); err == nil {
			t.Error("the leader has followed a heartbeat")
		}
		if now := leader.Local(); now.Role != fsm.Leader || now.Term != before {
			t.Errorf("%s in term %d, was leader in term %d", now.Role, now.Term, before)
		}
		message.Term = before // of its own term, as from a leader that never was
		if err := trans.AppendEntries("n1", "n1:17379", message, &answer); err == nil {
			t.Error("the leader has followed a heartbeat of its own term")
		}
		message.Term = before - 1
		if err := trans.AppendEntries("n1", "n1:17379", message, &answer); err != nil || answer.Term != before || answer.Success {
			t.Errorf("a heartbeat of an older term was answered with %+v, %v", answer, err)
		}
		message.Term, message.LeaderCommitIndex = before+1, 1 // any other message, by raft's main goroutine
		if err := trans.AppendEntries("n1", "n1:17379", message, &answer); err != nil {
			t.Error(err)
		}
		if now := leader.Local(); now.Role == fsm.Leader && now.Term == before {
			t.Error("the leader has not noticed a later term")
		}
	})
}
