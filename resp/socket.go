package resp

import (
	"io"
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

// direct reports whether the other methods can do what they say.
func (s socket) direct() bool { return s.raw != nil }

// read waits until something has come in and calls take, which reports false if there was nothing after all.
func (s socket) read(take func(fd uintptr) bool) error { return s.raw.Read(take) }

// readOnce is one read for take. again: there was nothing to read.
func readOnce(fd uintptr, room []byte) (n int, again bool, err error) {
	for {
		n, err = syscall.Read(int(fd), room)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, true, nil
		case err == nil && n == 0:
			return 0, false, io.EOF
		}
		return max(n, 0), false, err
	}
}

// empty reports whether nothing has come in that was not read. It may be called while read waits.
func (s socket) empty() bool {
	var peek [1]byte
	var failed error
	err := s.raw.Control(func(fd uintptr) {
		_, _, failed = syscall.Recvfrom(int(fd), peek[:], syscall.MSG_PEEK) // Go's sockets never block
	})
	return err == nil && (failed == syscall.EAGAIN || failed == syscall.EWOULDBLOCK)
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
