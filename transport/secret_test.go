package transport

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

// answerSize is what a listener says to one it welcomes.
const answerSize = nonceSize + 1 + sha256.Size

func TestSecretsMustBeLongEnoughToResistGuessing(t *testing.T) {
	for size, good := range map[int]bool{0: false, MinSecret - 1: false, MinSecret: true, MaxSecret: true, MaxSecret + 1: false} {
		err := CheckSecret(make([]byte, size))
		if (err == nil) != good || err != nil && !strings.Contains(err.Error(), "openssl rand -hex 32") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestPeersWithDifferentSecretsRefuseEachOther(t *testing.T) {
	longer := append(secret[:len(secret):len(secret)], '!')
	for _, pair := range [][2][]byte{{nil, secret}, {secret, nil}, {secret, longer}, {longer, secret}, {secret[1:], secret}} {
		inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
			var log journal
			a := open(t, n, "a", sharing(pair[0]))
			open(t, n, "b", sharing(pair[1]), noting(&log), admitting(func(Stream, Identity) error {
				t.Error("the owner was asked")
				return nil
			}))
			_, err := a.DialRaft(t.Context(), addrOf("b"))
			if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "--secret-file") {
				t.Errorf("DialRaft = %v", err)
			}
			got := ask(a.Link(Control, addrOf("b")), "x")
			if !errors.Is(got.err, ErrNotSent) || !errors.Is(got.err, ErrRefused) || got.after != 0 {
				t.Errorf("Call = %v after %v", got.err, got.after)
			}
			synctest.Wait()
			if lines := log.all(); len(lines) != 2 || !strings.Contains(lines[0], errSecret.Error()) {
				t.Errorf("logged %q", lines)
			}
		})
	}
}

func TestPeersWithoutASecretSpeakTheSameHandshake(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a", sharing(nil))
		open(t, n, "b", sharing([]byte{}))
		expectEcho(t, a.Link(Control, addrOf("b")), "hello")
	})
}

// Without the secret all is the same: cluster, node, stream.
func TestAStrangerLearnsNothingFromHisRefusal(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		open(t, n, "b")
		for _, who := range []Identity{{"house", "a"}, {"another house", "a"}, {"house", "nobody"}, {}} {
			for _, stream := range []Stream{Raft, Control, Join, 'X'} {
				conn := stranger(t, n, "b")
				x := &exchange{conn: conn, secret: []byte("a guess")}
				_ = x.say(hello(stream, who))
				_, _ = x.hear(nonceSize)
				_ = x.say(x.proof(proofOfDialer))
				answer, err := io.ReadAll(conn)
				if want := string(appendName(nil, errSecret.Error())); string(answer) != want || err != nil {
					t.Errorf("%v for %q heard %q, %v", who, byte(stream), answer, err)
				}
			}
		}
	})
}

// impersonate is a listener that does not know the secret, and answers a hello and a proof as answer says.
func impersonate(t *testing.T, n *memnet.Network, challenge func(hello []byte) []byte, answer func(proof []byte) []byte) (after *journal) {
	t.Helper()
	l, err := n.Listen(addrOf("impostor"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	after = &journal{}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		x := &exchange{conn: conn}
		if _, _, err := x.hearWho(); err != nil {
			return
		}
		if _, err := x.hear(nonceSize); err != nil {
			return
		}
		_, _ = conn.Write(challenge(x.transcript))
		proof, err := x.hear(sha256.Size)
		if err != nil {
			return
		}
		_, _ = conn.Write(answer(proof))
		rest, _ := io.ReadAll(conn)
		after.printf("%s", rest)
	}()
	return after
}

func TestADialerTrustsNoListenerWithoutTheSecret(t *testing.T) {
	recorded := recordOne(t)
	random := func([]byte) []byte { return nonce() }
	ownNonce := func(hello []byte) []byte { return hello[len(hello)-nonceSize:] }
	welcome := func(proof []byte) []byte { return append([]byte{0}, proof...) }
	attacks := map[string]struct{ challenge, answer func([]byte) []byte }{
		"random proof":       {random, func([]byte) []byte { return welcome(nonce()) }},
		"reflected proof":    {random, welcome},
		"reflected nonce":    {ownNonce, welcome},
		"recorded handshake": {func([]byte) []byte { return recorded.listener[:nonceSize] }, func([]byte) []byte { return recorded.listener[nonceSize:] }},
	}
	for name, attack := range attacks {
		inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
			after := impersonate(t, n, attack.challenge, attack.answer)
			got := ask(open(t, n, "a").Link(Control, addrOf("impostor")), "not for you")
			if !errors.Is(got.err, ErrNotSent) || !errors.Is(got.err, errImpostor) {
				t.Errorf("%s: the call ended with %v", name, got.err)
			}
			synctest.Wait()
			if lines := after.all(); len(lines) != 1 || lines[0] != "" {
				t.Errorf("%s: the impostor heard %q", name, lines)
			}
		})
	}
}

func TestTheWordsOfAnUnprovenRefusalCanNotPaintTheTerminal(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		impersonate(t, n, func([]byte) []byte { return nonce() }, func([]byte) []byte { return appendName(nil, "no\n\x1b[31mü") })
		_, err := open(t, n, "a").DialRaft(t.Context(), addrOf("impostor"))
		if !errors.Is(err, ErrRefused) || !strings.HasSuffix(err.Error(), ": no??[31mü") {
			t.Errorf("%q", err)
		}
	})
}

// recordOne is what is said when a makes a Control connection to b.
func recordOne(t *testing.T) (recorded struct{ dialer, listener []byte }) {
	t.Helper()
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a, middle := open(t, n, "a"), tapping(t, n, "middle", "b", nil)
		open(t, n, "b")
		expectEcho(t, a.Link(Control, addrOf("middle")), "")
		synctest.Wait()
		dialer, listener := middle.heard()
		frame := len(appendRecord(nil, appendFrame(nil, 1, 1, nil))) // the call and its reply
		recorded.dialer, recorded.listener = dialer[:len(dialer)-frame], listener[:len(listener)-frame]
	})
	if len(recorded.listener) != answerSize {
		t.Fatalf("a listener said %d bytes, want %d", len(recorded.listener), answerSize)
	}
	return recorded
}

func TestARecordedHandshakeLetsNobodyIn(t *testing.T) {
	recorded := recordOne(t)
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		open(t, n, "b", admitting(func(Stream, Identity) error {
			t.Error("the owner was asked")
			return nil
		}))
		conn := stranger(t, n, "b")
		send(t, conn, recorded.dialer)
		answer, _ := io.ReadAll(conn)
		if !bytes.HasSuffix(answer, appendName(nil, errSecret.Error())) {
			t.Errorf("the recording was answered with %q", answer)
		}
	})
}

// A peer can be made to prove itself to anybody whom it dials. Such a proof is for nothing else than what it dialed for.
func TestAProofForOneConnectionOpensNoOther(t *testing.T) {
	rows := map[string]struct {
		stream Stream
		who    Identity
		good   bool
	}{
		"the same, carried on":         {Control, Identity{"house", "a"}, true},
		"for another Stream":           {Raft, Identity{"house", "a"}, false},
		"as another node":              {Control, Identity{"house", "c"}, false},
		"in another cluster":           {Control, Identity{"mouse", "a"}, false},
		"with the names' border moved": {Control, Identity{"housea", ""}, false},
	}
	for name, row := range rows {
		inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
			asked := 0
			open(t, n, "b", admitting(func(Stream, Identity) error { asked++; return nil }))
			conn := stranger(t, n, "b")
			verdict := make(chan byte, 1)
			impersonate(t, n, func(said []byte) []byte {
				forged := hello(row.stream, row.who)
				_, _ = conn.Write(append(forged[:len(forged)-nonceSize], said[len(said)-nonceSize:]...))
				challenge := make([]byte, nonceSize)
				_, _ = io.ReadFull(conn, challenge)
				return challenge
			}, func(proof []byte) []byte {
				_, _ = conn.Write(proof)
				answer := make([]byte, 1)
				_, _ = io.ReadFull(conn, answer)
				verdict <- answer[0]
				return nil
			})
			if _, err := open(t, n, "a").dial(t.Context(), Control, addrOf("impostor")); err == nil {
				t.Errorf("%s: the dialer trusts the impostor", name)
			}
			if welcome := <-verdict == 0; welcome != row.good || (asked == 1) != row.good {
				t.Errorf("%s: welcome %v, the owner was asked %d times", name, welcome, asked)
			}
		})
	}
}

func TestNoByteOfAHandshakeCanBeChanged(t *testing.T) {
	whole := len(hello(Control, Identity{"house", "a"})) + sha256.Size
	for _, byDialer := range []bool{true, false} {
		size := whole
		if !byDialer {
			size = answerSize
		}
		for at := range size {
			for bit := range 8 {
				flip(t, byDialer, at, 1<<bit)
			}
		}
	}
}

func flip(t *testing.T, byDialer bool, at int, mask byte) {
	t.Helper()
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		asked := false
		a := open(t, n, "a")
		open(t, n, "b", admitting(func(Stream, Identity) error { asked = true; return nil }))
		tapping(t, n, "middle", "b", func(by bool, i int, b byte) byte {
			if by == byDialer && i == at {
				b ^= mask
			}
			return b
		})
		start := time.Now()
		_, err := a.dial(t.Context(), Control, addrOf("middle"))
		took := time.Since(start)
		synctest.Wait()
		if err == nil || took > handshakeTimeout || asked && (byDialer || at < nonceSize) {
			t.Errorf("byte %d of the dialer's (%v) xor %#x: %v after %v, the owner was asked: %v", at, byDialer, mask, err, took, asked)
		}
	})
}

func TestAPeerOfTheVersionBeforeIsToldWhyItIsRefused(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		open(t, n, "b")
		conn := stranger(t, n, "b")
		x := &exchange{conn: conn, secret: secret}
		_ = x.say(append([]byte(magicPast), hello(Control, Identity{"house", "a"})[len(magic):]...))
		_, _ = x.hear(nonceSize)
		_ = x.say(x.proof(proofOfDialer))
		expectBytes(t, conn, string(appendName(nil, errPast.Error())))
		expectHangUp(t, conn)
	})
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		l, err := n.Listen(addrOf("past"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			if conn, err := l.Accept(); err == nil {
				_, _ = io.ReadFull(conn, make([]byte, len(magic)+1)) // it does not know the magic
				conn.Close()
			}
		}()
		_, err = open(t, n, "a").DialRaft(t.Context(), addrOf("past"))
		if err == nil || !strings.Contains(err.Error(), "older version") {
			t.Errorf("DialRaft = %v", err)
		}
	})
}

func FuzzHandshakesSurviveAnyInput(f *testing.F) {
	whole := hello(Control, Identity{"house", "a"})
	f.Add(append(whole, make([]byte, sha256.Size)...))
	f.Add(append([]byte("TCNT3J\xff"), make([]byte, 2*maxName+2+nonceSize+sha256.Size)...))
	f.Add(append([]byte(magicPast), whole[len(magic):]...))
	f.Add(make([]byte, answerSize))
	f.Add(append(make([]byte, nonceSize), "\x02no"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bytes.NewReader(data)
		if _, _, _, err := hearHello(script{r: in}, secret); err == nil {
			t.Errorf("the listener believes %q", data)
		}
		const most = len(magic) + 1 + 2*(1+maxName) + nonceSize + sha256.Size
		if read := len(data) - in.Len(); read > most {
			t.Errorf("the listener read %d bytes, at most %d", read, most)
		}
		if err := sayHello(script{r: bytes.NewReader(data)}, secret, Control, Identity{"house", "a"}); err == nil {
			t.Errorf("the dialer believes %q", data)
		}
	})
}
