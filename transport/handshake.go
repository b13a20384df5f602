package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Stream is what a connection is for.
type Stream byte

const (
	Raft    Stream = 'R' // hashicorp/raft's own protocol
	Batches Stream = 'B' // Batches on their way to the leader
	Control Stream = 'C' // term echo, read index, status: small and never behind Batches
	Join    Stream = 'J' // a node that is not a member yet asks to be let in
)

// Identity is what a node says of itself in a handshake.
type Identity struct {
	Cluster string // the cluster's id; empty while the node belongs to none
	Node    string // raft server id
}

// ErrRefused is wrapped by the error of a dial that the other side answered with a refusal, and by the errors of the
// calls that needed the connection.
var ErrRefused = errors.New("refused by the peer")

const (
	handshakeTimeout = 5 * time.Second
	maxHandshakes    = 128 // at once; connections beyond it are closed unread
	maxName          = 255 // bytes in an id or a refusal
)

// The one who dials sends
//
//	5 bytes magic "TCNT1", one byte Stream
//	one byte length, cluster id
//	one byte length, node id
//
// and is answered with one byte length and a refusal, empty if it is welcome.
const magic = "TCNT1"

func sayHello(conn net.Conn, stream Stream, me Identity) error {
	hello := append([]byte(magic), byte(stream))
	hello = appendName(hello, me.Cluster)
	hello = appendName(hello, me.Node)
	if _, err := conn.Write(hello); err != nil {
		return err
	}
	// One byte at a time: what follows the answer belongs to the stream.
	refusal, err := readName(oneByte{conn})
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	if refusal != "" {
		return fmt.Errorf("%w: %s", ErrRefused, refusal)
	}
	return nil
}

// hearHello reads the handshake of one who dialed. It must not read ahead, so it reads in small pieces.
func hearHello(conn net.Conn) (Stream, Identity, error) {
	var head [len(magic) + 1]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return 0, Identity{}, err
	}
	if string(head[:len(magic)]) != magic {
		return 0, Identity{}, fmt.Errorf("not a truecount peer: began with %q", head[:len(magic)])
	}
	stream := Stream(head[len(magic)])
	var from Identity
	var err error
	if from.Cluster, err = readName(oneByte{conn}); err != nil {
		return 0, Identity{}, err
	}
	from.Node, err = readName(oneByte{conn})
	return stream, from, err
}

func answerHello(conn net.Conn, refusal error) error {
	text := ""
	if refusal != nil {
		text = refusal.Error()
	}
	_, err := conn.Write(appendName(nil, text))
	return err
}

func appendName(dst []byte, name string) []byte {
	name = name[:min(len(name), maxName)]
	return append(append(dst, byte(len(name))), name...)
}

func readName(r io.ByteReader) (string, error) {
	n, err := r.ReadByte()
	if err != nil {
		return "", err
	}
	name := make([]byte, n)
	for i := range name {
		if name[i], err = r.ReadByte(); err != nil {
			return "", err
		}
	}
	return string(name), nil
}

type oneByte struct{ io.Reader }

func (r oneByte) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r.Reader, b[:])
	return b[0], err
}
