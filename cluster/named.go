package cluster

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/raft"
)

// namedTransport is raft's transport for members that may swap addresses, as containers do when all of them start anew. The
// library takes an address for a member, in two places:
//
//   - It counts an answer for the member whose address it asked. One that listens where another did would be counted twice:
//     as itself, and as the other. So the answer's own id must be that of the member. (Nor does a node listen to itself, see
//     admitPeer: a leader's own heartbeat would depose it.)
//   - It stores its vote as the candidate's address, and grants it again to whoever asks from there in the same term. So what
//     it takes for the address has the id behind it.
//
// An answer to InstallSnapshot has no id. What it counts for was committed before: an image holds nothing else.
type namedTransport struct {
	*raft.NetworkTransport
}

func (t namedTransport) AppendEntries(id raft.ServerID, to raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if err := t.NetworkTransport.AppendEntries(id, to, args, resp); err != nil {
		return err
	}
	return answeredBy(id, to, string(resp.ID))
}

func (t namedTransport) RequestVote(id raft.ServerID, to raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	if err := t.NetworkTransport.RequestVote(id, to, args, resp); err != nil {
		return err
	}
	return answeredBy(id, to, string(resp.ID))
}

func (t namedTransport) RequestPreVote(id raft.ServerID, to raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	if err := t.NetworkTransport.RequestPreVote(id, to, args, resp); err != nil {
		return err
	}
	return answeredBy(id, to, string(resp.ID))
}

// EncodePeer is what raft says of itself in its messages, and stores when it votes.
//
//	address, one byte 0, server id
func (t namedTransport) EncodePeer(id raft.ServerID, addr raft.ServerAddress) []byte {
	return append(append(t.NetworkTransport.EncodePeer(id, addr), 0), id...)
}

// DecodePeer returns the address. Older builds have stored it alone.
func (t namedTransport) DecodePeer(peer []byte) raft.ServerAddress {
	addr, _, _ := bytes.Cut(peer, []byte{0})
	return t.NetworkTransport.DecodePeer(addr)
}

// answeredBy is the error if another than the member with that id answers at its address.
func answeredBy(id raft.ServerID, at raft.ServerAddress, who string) error {
	if who != string(id) {
		return fmt.Errorf("at %s answers %q, not %s", at, who, id)
	}
	return nil
}
