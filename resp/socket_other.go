//go:build !unix

package resp

import "net"

// socket is for systems without the calls that socket_unix.go uses: conn does without them.
type socket struct{}

func newSocket(net.Conn) socket { return socket{} }

func (socket) write([]byte) int { return 0 }

func (socket) empty() (empty, known bool) { return false, false }

func cpuSeconds() (system, user float64) { return 0, 0 }
