package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
)

const (
	defaultNode = "127.0.0.1:7379" // the RESP door of a node on this machine
	peerOffset  = 10000            // the peer port is the RESP port and this, unless given
	maxPort     = 65535
	resolveTime = 2 * time.Second // looking up a host name
)

// splitAddress takes "host:port" apart; port 0 is one that the system chooses. The error names the flag.
func splitAddress(flag, addr string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("--%s %q is not an address: give host:port, such as %s", flag, addr, defaultNode)
	}
	port, err = strconv.Atoi(digits)
	if err != nil || port < 0 || port > maxPort {
		return "", 0, fmt.Errorf("--%s %q: the port must be a number up to %d", flag, addr, maxPort)
	}
	return host, port, nil
}

// checkTarget refuses what can't be the address of another node's door.
func checkTarget(flag, addr string) error {
	host, port, err := splitAddress(flag, addr)
	if err != nil {
		return err
	}
	if host == "" || port == 0 {
		return fmt.Errorf("--%s %q: give the host and the port of a node, such as %s", flag, addr, defaultNode)
	}
	return nil
}

// checkAddress is checkTarget for an argument.
func checkAddress(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if n, bad := strconv.Atoi(port); err != nil || host == "" || bad != nil || n <= 0 || n > maxPort {
		return fmt.Errorf("%q is not an address: give the host:port of a node's RESP door, such as %s", addr, defaultNode)
	}
	return nil
}

// peerAddress derives the peer port's address from the RESP door's.
func peerAddress(resp string) (string, error) {
	host, port, err := splitAddress("resp", resp)
	if err != nil {
		return "", err
	}
	if port == 0 {
		return net.JoinHostPort(host, "0"), nil
	}
	if port+peerOffset > maxPort {
		return "", fmt.Errorf("--resp %s: its peer port would be %d, above %d: give --peer", resp, port+peerOffset, maxPort)
	}
	return net.JoinHostPort(host, strconv.Itoa(port+peerOffset)), nil
}

// Why an address that strangers could reach is refused, and what to do.
const (
	strangersCount = "whoever reaches it could count: give every node the same --password-file (openssl rand -hex 32 > FILE), " +
		"listen on 127.0.0.1, or add --insecure if you trust the whole network"
	strangersReplicate = "whoever reaches it would be taken for a node: " +
		"give every node the same --secret-file (openssl rand -hex 32 > FILE), or listen on 127.0.0.1 with --peer"
)

// checkListen refuses addresses that other nodes couldn't use, and those that strangers could reach if closed says why not.
func checkListen(flag, addr, closed string) error {
	host, _, err := splitAddress(flag, addr)
	if err != nil {
		return err
	}
	if host == "" {
		return unspecified(flag, addr)
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return fmt.Errorf("--%s %s: no address found for the host %q: give an IP address of this machine", flag, addr, host)
	}
	for _, ip := range ips {
		if err := checkIP(flag, addr, closed, ip.Unmap()); err != nil {
			return err
		}
	}
	return nil
}

func checkIP(flag, addr, closed string, ip netip.Addr) error {
	if ip.IsUnspecified() {
		return unspecified(flag, addr)
	}
	if !ip.IsLoopback() && closed != "" {
		return fmt.Errorf("--%s %s is not a loopback address, and %s", flag, addr, closed)
	}
	return nil
}

// checkPort is checkListen for a port that others may be told another address of: then one that names no interface is good.
func checkPort(flag, addr, told, closed string) error {
	if told == "" || !isUnspecified(addr) {
		return checkListen(flag, addr, closed)
	}
	if _, _, err := splitAddress(flag, addr); err != nil {
		return err
	}
	if closed != "" {
		return fmt.Errorf("--%s %s is not a loopback address, and %s", flag, addr, closed)
	}
	return nil
}

// checkTold refuses what others can't be told. Empty is nothing to tell.
func checkTold(flag, addr string) error {
	if addr == "" {
		return nil
	}
	if err := checkTarget(flag, addr); err != nil {
		return err
	}
	if isUnspecified(addr) {
		return unspecified(flag, addr)
	}
	return nil
}

func unspecified(flag, addr string) error {
	cure := ""
	switch flag {
	case "resp":
		cure = ", or say with --advertise where they can"
	case "peer":
		cure = ", or say with --advertise-peer where they can"
	}
	return fmt.Errorf("--%s %s names no interface, and other nodes must be able to reach it: "+
		"give one IP address of this machine, such as 127.0.0.1%s", flag, addr, cure)
}

// isUnspecified reports whether an address means all interfaces of this machine.
func isUnspecified(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip, bad := netip.ParseAddr(host)
	return err == nil && (host == "" || bad == nil && ip.Unmap().IsUnspecified())
}

// listen opens a port that checkListen has let pass.
func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("--%s %s: the port is in use: stop who listens there, or give another", flag, addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("--%s %s: no interface of this machine has this address: give one that has", flag, addr)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("--%s %s: no permission to listen there: give a port from 1024 on", flag, addr)
	}
	return nil, fmt.Errorf("--%s %s: %w", flag, addr, err)
}

// boundAddress is addr with the port that l really has: what others are told.
func boundAddress(addr string, l net.Listener) string {
	host, _, err := net.SplitHostPort(addr)
	bound, ok := l.Addr().(*net.TCPAddr)
	if err != nil || !ok {
		return l.Addr().String()
	}
	return net.JoinHostPort(host, strconv.Itoa(bound.Port))
}
