package cluster

import "github.com/hashicorp/raft"

// appendEntries does not let raft go back where it need not. A follower whose log begins right behind an image knows nothing of
// the entry with which the image ends, as soon as anything is behind it: the library looks for it in the log alone (hashicorp/raft
// issue 205). If the answer to what was first sent behind the image is lost, it is sent again, and refused. Then the library goes
// back entry by entry until its own log begins, and sends its newest image, which is refused, too, for the follower has applied
// more than that (replica.Restore): again and again, until there is a newer image.
//
// So who refuses and has a longer log than was asked for is asked for the end of that: if it has the leader's entry there, all
// before it is the same, and nothing of it need be sent.
func (t gatedTransport) appendEntries(id raft.ServerID, to raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	err := t.namedTransport.AppendEntries(id, to, args, resp)
	if err != nil || resp.Success || resp.Term != args.Term || resp.LastLog <= args.PrevLogEntry {
		return err
	}
	var last raft.Log
	if t.log.GetLog(resp.LastLog, &last) != nil {
		return nil // it reaches beyond this node's, or ends before that
	}
	rest := *args
	rest.PrevLogEntry, rest.PrevLogTerm = last.Index, last.Term
	rest.Entries = args.Entries[min(last.Index-args.PrevLogEntry, uint64(len(args.Entries))):]
	*resp = raft.AppendEntriesResponse{}
	return t.namedTransport.AppendEntries(id, to, &rest, resp)
}
