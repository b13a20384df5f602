//go:build unix

package resp

import (
	"net"
	"runtime"
	"testing"
	"time"
)

// connected are the two ends of a loopback connection.
func connected(t *testing.T) (client, server net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}

func TestASocketTellsWhetherItsInputIsEmptyAndTakesNothing(t *testing.T) {
	client, server := connected(t)
	s := newSocket(server)
	if !s.direct() || !s.empty() {
		t.Errorf("a fresh TCP socket is direct: %t, empty: %t", s.direct(), s.empty())
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(patience); ; runtime.Gosched() {
		if !s.empty() {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("what was sent is never seen")
		}
	}
	var b [1]byte
	if n, err := server.Read(b[:]); n != 1 || err != nil || b[0] != 'x' {
		t.Errorf("Read gives %q, %v", b[:n], err)
	}
	if !s.empty() {
		t.Error("the socket is not empty after everything was read")
	}
}

func TestASocketWritesWhatTheKernelTakesAndNeverWaits(t *testing.T) {
	_, server := connected(t)
	s := newSocket(server)
	out := make([]byte, 1<<20)
	written := 0
	for n := 1; n > 0; written += n {
		n = s.write(out)
	}
	if written == 0 {
		t.Error("nothing was written")
	}
	server.Close()
	if n := s.write(out); n != 0 {
		t.Errorf("%d bytes were written to a closed socket", n)
	}
}

func TestOtherConnectionsHaveNoSocket(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	s := newSocket(ours)
	if s.direct() {
		t.Error("a pipe is taken for a TCP connection")
	}
	if n := s.write([]byte("x")); n != 0 {
		t.Errorf("%d bytes were written", n)
	}
}
