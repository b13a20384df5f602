package transport

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
	"unicode"
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

// Bounds of a secret, in bytes.
const (
	MinSecret = 16
	MaxSecret = 4096
)

// CheckSecret says whether a secret is fit to guard the peer port, and if not, where to get one. Whoever a node dials gets a
// proof on which guesses can be tried offline, so a secret must be too long to guess.
func CheckSecret(secret []byte) error {
	if len(secret) < MinSecret || len(secret) > MaxSecret {
		return fmt.Errorf("the peers' secret has %d bytes, must have %d to %d: make one with `openssl rand -hex 32`",
			len(secret), MinSecret, MaxSecret)
	}
	return nil
}

const (
	handshakeTimeout = 5 * time.Second
	maxName          = 255 // bytes in an id or a refusal
	nonceSize        = 32
)

// The handshake. What both sides have said so far is the transcript.
//
//	dialer                                            listener
//	5 bytes magic "TCNT3", one byte Stream  ─hello──▶
//	one byte length, cluster id
//	one byte length, node id
//	32 random bytes
//	                                     ◀─challenge─ 32 random bytes
//	HMAC(secret, "dialer" transcript)      ──proof──▶ checked; only then is the owner asked
//	                                      ◀─verdict── one byte length, refusal; empty: welcome, and then
//	checked                                ◀──proof── HMAC(secret, "listener" transcript)
//
// HMAC is with SHA-256. Nodes without a secret do the same with an empty one.
//
// A proof can't be used again: it covers 32 bytes that its checker drew for this connection alone. It can't be reflected: the
// words in front differ, and the listener's proof covers the dialer's. It can't be pasted elsewhere: it covers Stream, cluster
// and node. So one in the middle can only carry a handshake on as it was meant: the same node for the same Stream. The
// listener's node id is not in it, because a dialer knows no more than an address.
//
// The dialer proves first: who merely connects gets random bytes and sentences that are the same for everybody. With the
// secret, the ids are a claim: those who share it trust each other.
//
// What follows travels in records, in plain text: what changes by accident is noticed (records.go), but one in the middle can read
// it and change it. TLS will close that, below this handshake.
const (
	magic     = "TCNT3"
	magicPast = "TCNT2" // the same handshake; what follows does not travel in records

	proofOfDialer   = "dialer"
	proofOfListener = "listener"
)

var (
	errSecret   = errors.New("the two nodes have different secrets, or one has none: give every node of the cluster the same --secret-file")
	errImpostor = errors.New("handshake: the peer welcomes us but does not know our secret (--secret-file)")
	errPast     = errors.New("this node speaks peer protocol " + magic + ", you speak " + magicPast + ": update the older program")
)

// exchange is a handshake under way.
type exchange struct {
	conn       net.Conn
	secret     []byte
	transcript []byte
}

// sayHello is the dialer's side of a handshake.
func sayHello(conn net.Conn, secret []byte, stream Stream, me Identity) error {
	x := &exchange{conn: conn, secret: secret}
	if err := x.say(hello(stream, me)); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	if _, err := x.hear(nonceSize); err != nil {
		return fmt.Errorf("handshake: no challenge, as from an older version: %w", err)
	}
	if err := x.say(x.proof(proofOfDialer)); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	refusal, err := x.hearName()
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	if refusal != "" {
		return fmt.Errorf("%w: %s", ErrRefused, printable(refusal))
	}
	want := x.proof(proofOfListener)
	got, err := x.hear(len(want))
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	if !hmac.Equal(got, want) {
		return errImpostor
	}
	return nil
}

func hello(stream Stream, me Identity) []byte {
	b := append([]byte(magic), byte(stream))
	b = appendName(b, me.Cluster)
	b = appendName(b, me.Node)
	return append(b, nonce()...)
}

// hearHello is the listener's side of a handshake up to the dialer's proof. After an error nothing is to be said any more;
// without one, the answer is welcome or refuse.
func hearHello(conn net.Conn, secret []byte) (*exchange, Stream, Identity, error) {
	x := &exchange{conn: conn, secret: secret}
	stream, from, err := x.hearWho()
	if err != nil {
		return nil, 0, Identity{}, err
	}
	if _, err = x.hear(nonceSize); err == nil {
		err = x.say(nonce())
	}
	if err != nil {
		return nil, 0, Identity{}, err
	}
	want := x.proof(proofOfDialer)
	got, err := x.hear(len(want))
	if err != nil {
		return nil, 0, Identity{}, err
	}
	if !bytes.HasPrefix(x.transcript, []byte(magic)) {
		return nil, 0, Identity{}, x.refuse(errPast)
	}
	if !hmac.Equal(got, want) {
		return nil, 0, Identity{}, x.refuse(errSecret)
	}
	return x, stream, from, nil
}

// hearWho reads a hello up to the random bytes, also one of the version before: that can be told only where it expects a verdict.
func (x *exchange) hearWho() (stream Stream, from Identity, err error) {
	head, err := x.hear(len(magic))
	if err != nil {
		return 0, Identity{}, err
	}
	spoken := string(head)
	if spoken != magic && spoken != magicPast {
		return 0, Identity{}, fmt.Errorf("not a truecount peer: began with %q", spoken)
	}
	kind, err := x.hear(1)
	if err == nil {
		from.Cluster, err = x.hearName()
	}
	if err == nil {
		from.Node, err = x.hearName()
	}
	if err != nil {
		return 0, Identity{}, err
	}
	return Stream(kind[0]), from, nil
}

// refuse tells the dialer why not. It returns the refusal itself, with what went wrong in telling it.
func (x *exchange) refuse(refusal error) error {
	return errors.Join(refusal, x.say(appendName(nil, refusal.Error())))
}

func (x *exchange) welcome() error {
	x.transcript = appendName(x.transcript, "") // what the proof is about is sent along with it
	_, err := x.conn.Write(append(appendName(nil, ""), x.proof(proofOfListener)...))
	return err
}

func (x *exchange) proof(of string) []byte {
	mac := hmac.New(sha256.New, x.secret)
	mac.Write([]byte(of))
	mac.Write(x.transcript)
	return mac.Sum(nil)
}

func (x *exchange) say(b []byte) error {
	x.transcript = append(x.transcript, b...)
	_, err := x.conn.Write(b)
	return err
}

// hear reads exactly size bytes: what follows the handshake belongs to the Stream.
func (x *exchange) hear(size int) ([]byte, error) {
	b := make([]byte, size)
	if _, err := io.ReadFull(x.conn, b); err != nil {
		return nil, err
	}
	x.transcript = append(x.transcript, b...)
	return b, nil
}

func (x *exchange) hearName() (string, error) {
	size, err := x.hear(1)
	if err != nil {
		return "", err
	}
	name, err := x.hear(int(size[0]))
	return string(name), err
}

func appendName(dst []byte, name string) []byte {
	name = name[:min(len(name), maxName)]
	return append(append(dst, byte(len(name))), name...)
}

func nonce() []byte {
	b := make([]byte, nonceSize)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return b
}

// printable makes the words of one who has proven nothing fit for a terminal and a log.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
