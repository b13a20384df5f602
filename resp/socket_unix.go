//go:build unix

package resp

import (
	"net"
	"syscall"
)

// socket does to a TCP connection what net.Conn can't: write and peek without waiting. The zero value is for other
// connections. write must not be called while a Write is going on.
type socket struct {
	raw    syscall.RawConn
	writes *attempt
}

// attempt is one write; it is kept so that none allocates.
type attempt struct {
	out []byte
	n   int
	try func(fd uintptr) bool
}

func newSocket(nc net.Conn) socket {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return socket{}
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return socket{}
	}
	a := &attempt{}
	a.try = func(fd uintptr) bool {
		a.n, _ = syscall.Write(int(fd), a.out) // an error comes again, and is told, when drain writes the rest
		return true                            // whatever it was: one attempt
	}
	return socket{raw: raw, writes: a}
}

// write writes what the kernel takes at once.
func (s socket) write(out []byte) int {
	if s.raw == nil {
		return 0
	}
	a := s.writes
	a.out, a.n = out, 0
	err := s.raw.Write(a.try)
	a.out = nil
	if err != nil {
		return 0
	}
	return max(a.n, 0)
}

// empty reports whether nothing has come in that was not read; known is false where that can't be told.
func (s socket) empty() (empty, known bool) {
	if s.raw == nil {
		return false, false
	}
	var peek [1]byte
	var failed error
	err := s.raw.Read(func(fd uintptr) bool {
		_, _, failed = syscall.Recvfrom(int(fd), peek[:], syscall.MSG_PEEK)
		return true // Go's sockets never block
	})
	return err == nil && (failed == syscall.EAGAIN || failed == syscall.EWOULDBLOCK), err == nil
}

// cpuSeconds is what the process has used.
func cpuSeconds() (system, user float64) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0, 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Stime), seconds(u.Utime)
}
