package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// dialer is the host whose process holds the other end of a connection.
func (p *proxies) dialer(conn net.Conn) int {
	table, err := os.ReadFile(socketTable)
	if err != nil {
		return -1
	}
	inode := socketOf(table, conn.RemoteAddr(), conn.LocalAddr())
	if inode == "" {
		return -1
	}
	for i, h := range p.all {
		if h.holds("socket:[" + inode + "]") {
			return i
		}
	}
	return -1
}

// socketTable is where the kernel lists TCP sockets: proc(5).
const socketTable = "/proc/net/tcp"

// socketOf is the inode of the socket with these addresses, its own and the other's; empty: there is none.
func socketOf(table []byte, own, other net.Addr) string {
	row := []byte(" " + rowAddress(own) + " " + rowAddress(other) + " ")
	_, rest, found := bytes.Cut(table, row)
	if !found {
		return ""
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	fields := bytes.Fields(line) // state, queues, timer, retransmits, uid, timeout, inode …
	if len(fields) < 7 || string(fields[6]) == "0" {
		return "" // closed, and the kernel only waits
	}
	return string(fields[6])
}

// rowAddress is an address as in the table: the four bytes as one number of this machine, and the port, in hexadecimal.
func rowAddress(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || tcp.IP.To4() == nil {
		return "-"
	}
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(tcp.IP.To4()), tcp.Port)
}

// holds reports whether the host's process has a file open that the kernel calls so.
func (h *host) holds(file string) bool {
	files := fmt.Sprintf("/proc/%d/fd", h.pid.Load())
	entries, _ := os.ReadDir(files) // it may have ended
	for _, e := range entries {
		if name, err := os.Readlink(filepath.Join(files, e.Name())); err == nil && name == file {
			return true
		}
	}
	return false
}
