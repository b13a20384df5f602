package demo

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
)

const (
	host       = "127.0.0.1"
	peerOffset = 10000 // a node's peer port is its RESP port and this
	maxPort    = 65535
	maxBlocks  = 100 // of ports that are tried
)

// freePorts returns the first port of n in a row that are free, from first on, and so are their peer ports. If it is not
// first, taken says why.
func freePorts(first, n int) (port int, taken string, err error) {
	for port := first; port < first+maxBlocks*n && port+n-1+peerOffset <= maxPort; port += n {
		why := occupied(port, n)
		if why == "" {
			return port, taken, nil
		}
		if taken == "" {
			taken = why
		}
	}
	if taken == "" {
		return 0, "", fmt.Errorf("--port %d: %d ports are needed, and as many %d above, the last of which is %d: give at most %d",
			first, n, peerOffset, maxPort, maxPort-peerOffset-n+1)
	}
	return 0, "", fmt.Errorf("--port %d: %s, and there are no %d free ports in a row above: give another", first, taken, n)
}

// occupied says which port can't be listened to, and why; empty: all can.
func occupied(port, n int) string {
	for i := range n {
		for _, p := range []int{port + i, port + i + peerOffset} {
			l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p)))
			switch {
			case err == nil:
				l.Close()
			case errors.Is(err, syscall.EADDRINUSE):
				return fmt.Sprintf("port %d is taken", p)
			case errors.Is(err, os.ErrPermission):
				return fmt.Sprintf("there is no permission to listen on port %d", p)
			default:
				return fmt.Sprintf("port %d can't be used (%v)", p, err)
			}
		}
	}
	return ""
}
