package transport

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/truecount/truecount/internal/memnet"
)

func TestFramesComeOutAsTheyWentIn(t *testing.T) {
	var wire []byte
	payloads := []string{"", "x", strings.Repeat("large", maxPayload/5)}
	for i, p := range payloads {
		wire = appendFrame(wire, 1<<63+uint64(i), byte(i), []byte(p))
	}
	in := bufio.NewReader(bytes.NewReader(wire))
	for i, p := range payloads {
		call, method, payload, err := readFrame(in)
		if call != 1<<63+uint64(i) || method != byte(i) || string(payload) != p || err != nil {
			t.Errorf("frame %d: call %d, method %d, %d bytes, %v", i, call, method, len(payload), err)
		}
	}
	if _, _, _, err := readFrame(in); err != io.EOF {
		t.Errorf("after the last one: %v", err)
	}
}

// badFrames are frames that end a connection, and what is said of them.
func badFrames() map[string][]byte {
	sized := func(size uint32) []byte {
		frame := appendFrame(nil, 1, 1, []byte("payload"))
		binary.BigEndian.PutUint32(frame, size)
		return frame
	}
	foreign := appendFrame(nil, 1, 1, nil)
	foreign[13] = 1
	return map[string][]byte{
		"frame of 0 bytes for group 0":          sized(0),
		"frame of 9 bytes for group 0":          sized(frameHead - 1),
		"frame of 4194305 bytes for group 0":    sized(maxFrame + 1),
		"frame of 4294967295 bytes for group 0": sized(1<<32 - 1),
		"frame of 10 bytes for group 1":         foreign,
	}
}

func TestBadFramesAreRefusedBeforeTheyAreRead(t *testing.T) {
	for text, frame := range badFrames() {
		if _, _, _, err := readFrame(bufio.NewReader(bytes.NewReader(frame))); err == nil || err.Error() != text {
			t.Errorf("%v, want %s", err, text)
		}
	}
}

func TestFramesThatAreCutOffAreNoFrames(t *testing.T) {
	whole := appendFrame(nil, 1, 1, []byte("payload"))
	for cut := 1; cut < len(whole); cut++ {
		_, _, _, err := readFrame(bufio.NewReader(bytes.NewReader(whole[:cut])))
		if !errors.Is(err, io.ErrUnexpectedEOF) && !(errors.Is(err, io.EOF) && cut == 14) {
			t.Errorf("after %d of %d bytes: %v", cut, len(whole), err)
		}
	}
}

func FuzzFramesSurviveAnyInput(f *testing.F) {
	f.Add(appendFrame(nil, 1, 1, []byte("x")))
	for _, frame := range badFrames() {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bufio.NewReader(bytes.NewReader(data))
		if call, method, payload, err := readFrame(in); err == nil {
			again := appendFrame(nil, call, method, payload)
			if !bytes.Equal(again, data[:len(again)]) {
				t.Errorf("%q was read as %q", data, again)
			}
		}
	})
}

func TestABadFrameCostsOnlyItsOwnConnection(t *testing.T) {
	for text, frame := range badFrames() {
		inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
			a := open(t, n, "a")
			open(t, n, "b")
			link := a.Link(Control, addrOf("b"))
			expectEcho(t, link, "before")
			conn := guest(t, n, "b", Control)
			send(t, conn, frame)
			expectHangUp(t, conn)
			expectEcho(t, link, "after")
			if a.dials.Load() != 1 {
				t.Errorf("%s: the other connection went down with it", text)
			}
		})
	}
}

func TestABadReplyBreaksTheCall(t *testing.T) {
	for text, frame := range badFrames() {
		inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
			a := open(t, n, "a")
			host(t, n, "b", func(conn net.Conn) {
				_, _ = conn.Write(frame)
				_, _ = io.Copy(io.Discard, conn)
			})
			got := ask(a.Link(Control, addrOf("b")), "x")
			if !errors.Is(got.err, ErrBroken) || !strings.HasSuffix(got.err.Error(), text) {
				t.Errorf("the call ended with %v, want %s", got.err, text)
			}
		})
	}
}

func TestACallThatIsTooLargeIsNotSentAndHarmsNobody(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		open(t, n, "b")
		link := a.Link(Control, addrOf("b"))
		largest := strings.Repeat("x", maxPayload)
		expectEcho(t, link, largest)
		small := begin(link, "small")
		if got := ask(link, largest+"x"); !errors.Is(got.err, ErrNotSent) || !strings.HasSuffix(got.err.Error(), "at most 4194294") {
			t.Errorf("the large call ended with %v", got.err)
		}
		if got := <-small; got.err != nil {
			t.Errorf("the small call ended with %v", got.err)
		}
		if a.dials.Load() != 1 {
			t.Error("the connection went down")
		}
	})
}

func TestAReplyToNobodyIsIgnored(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		host(t, n, "b", func(conn net.Conn) {
			call, _, _, err := readFrame(bufio.NewReader(conn))
			if err != nil {
				return
			}
			frames := appendFrame(nil, call+7, 0, []byte("for another"))
			frames = appendFrame(frames, call, 0, []byte("first"))
			frames = appendFrame(frames, call, 0, []byte("second"))
			_, _ = conn.Write(frames)
			_, _ = io.Copy(io.Discard, conn)
		})
		if got := ask(a.Link(Control, addrOf("b")), "x"); got.reply != "first" || got.err != nil {
			t.Errorf("the call ended with %q, %v", got.reply, got.err)
		}
		synctest.Wait()
	})
}
