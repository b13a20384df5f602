package fsm

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// maxNodes bounds the registry.
const maxNodes = 256

// Node is a line of the registry of nodes: what the members of a cluster must know of each other beyond what Raft keeps
// (one address).
type Node struct {
	ID       string // raft server id: the name, and digits drawn when its directory was made
	Name     string // what operators call it
	RESP     string // address of the Redis-protocol door
	Peer     string // address of the peer port
	HTTP     string // address of the HTTP door; empty: none
	Version  string // of the program
	Nonvoter bool   // it shall never vote: a read replica
}

// A Node is encoded, without its ID, as
//
//	uvarint length, bytes          name, RESP, peer, HTTP, version
//	one byte nodeNonvoter          if Nonvoter (this came later: a registration without it is a voter's)
const nodeNonvoter = 1

// Append appends the encoded Node, without its ID: the Value.Text of a Register Op, which answers TooLong beyond MaxText.
func (n *Node) Append(dst []byte) []byte {
	for _, s := range []string{n.Name, n.RESP, n.Peer, n.HTTP, n.Version} {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	if n.Nonvoter {
		dst = append(dst, nodeNonvoter)
	}
	return dst
}

func (n *Node) appendBlock(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(n.ID)))
	dst = append(dst, n.ID...)
	return n.Append(dst)
}

// DecodeNode reads what Append wrote. Errors wrap ErrFormat.
func DecodeNode(id string, data []byte) (Node, error) {
	d := decoder{rest: data}
	n := d.node(id)
	if d.failed || len(d.rest) > 0 {
		return Node{}, fmt.Errorf("%w: registration of node %q", ErrFormat, id)
	}
	return n, nil
}

// node takes a Node, which must be all that is left.
func (d *decoder) node(id string) Node {
	n := Node{
		ID: id, Name: string(d.bytes()), RESP: string(d.bytes()), Peer: string(d.bytes()),
		HTTP: string(d.bytes()), Version: string(d.bytes()),
	}
	if len(d.rest) > 0 {
		n.Nonvoter = true
		d.failed = d.byte() != nodeNonvoter || d.failed
	}
	return n
}

// Nodes returns the registry, ordered by ID.
func (m *Machine) Nodes() []Node { return slices.Clone(m.nodes) }

// RegisterOp is the Op that puts n into the registry.
func RegisterOp(n Node) Op {
	return Op{Kind: Register, Key: []byte(n.ID), Value: Value{Kind: Text, Text: n.Append(nil)}}
}

// RemoveOp is the Op that removes the Node with this raft server id for ever, whether or not it ever registered: its line in
// the registry and the remembered answer to its last Batch go, and it can't register again.
func RemoveOp(id string) Op { return Op{Kind: Remove, Key: []byte(id)} }

// RemovedNode reports whether the Node with this raft server id was removed.
func (m *Machine) RemovedNode(id string) bool {
	at, found := m.findOrigin(id)
	return found && m.origins[at].removed
}

func (m *Machine) register(op *Op) Result {
	n, err := DecodeNode(string(op.Key), op.Value.Text)
	if err != nil {
		return Result{Code: WrongType}
	}
	at, found := m.findNode(n.ID)
	switch {
	case m.RemovedNode(n.ID):
		return Result{Code: NodeRemoved}
	case found:
		m.nodes[at] = n
	case len(m.nodes) == maxNodes:
		return Result{Code: NoRoom}
	default:
		m.nodes = slices.Insert(m.nodes, at, n)
	}
	return Result{}
}

func (m *Machine) removeNode(op *Op) Result {
	if len(op.Key) == 0 {
		return Result{Code: WrongType}
	}
	id := string(op.Key)
	if at, found := m.findNode(id); found {
		m.nodes = slices.Delete(m.nodes, at, at+1)
	}
	from := m.origin(id)
	from.results, from.removed = nil, true
	m.ledger.expel(id)
	return Result{}
}

func (m *Machine) findNode(id string) (at int, found bool) {
	return slices.BinarySearchFunc(m.nodes, id, func(n Node, id string) int { return strings.Compare(n.ID, id) })
}
