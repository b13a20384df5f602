//go:build !unix

package resp

import "net"

// socket is for systems without the calls that socket_unix.go uses: conn does without them.
type socket struct{}

func newSocket(net.Conn) socket { return socket{} }

func (socket) direct() bool { return false }

func (socket) write([]byte) int { return 0 }

func (socket) read(func(fd int) bool) error { return nil }

func readOnce(int, []byte) (n int, again bool, err error) { return 0, true, nil }

func (socket) empty() bool { return false }

func cpuSeconds() (system, user float64) { return 0, 0 }
