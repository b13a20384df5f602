package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// The requests of ioctl that syscall does not know, or not on every architecture.
const (
	tunSetIff = 0x400454ca
	noInfo    = 0x1000 // IFF_NO_PI
	wireName  = "wire0"
	wireMTU   = 1500
)

// boundToParent makes a child that Ctrl-C does not reach, and that dies when the thread that forked it does.
func boundToParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// enterOwnNetwork puts the calling thread, which must be locked, into a network of its own that has the loopback and one
// wire with that address. What is sent to others of its subnet is read from the file, what is written there arrives. The
// network has no name: it is gone when its last process and the file are.
func enterOwnNetwork(ip net.IP) (*os.File, error) {
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("a network namespace of its own: %w", err)
	}
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	wire := newRequest(wireName)
	wire.put16(syscall.IFF_TUN | noInfo)
	if err := wire.call(fd, tunSetIff); err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("a TUN device: %w", err)
	}
	if err := raise(ip); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), wireName), nil
}

// raise gives the wire its address and puts it and the loopback up.
func raise(ip net.IP) error {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(socket)
	for _, step := range []struct {
		device string
		what   uintptr
		value  func(*request)
	}{
		{"lo", syscall.SIOCSIFFLAGS, func(r *request) { r.put16(syscall.IFF_UP | syscall.IFF_RUNNING) }},
		{wireName, syscall.SIOCSIFADDR, func(r *request) { r.putIP(ip) }},
		{wireName, syscall.SIOCSIFNETMASK, func(r *request) { r.putIP(net.IP(net.CIDRMask(subnetBits, 32))) }},
		{wireName, syscall.SIOCSIFFLAGS, func(r *request) { r.put16(syscall.IFF_UP | syscall.IFF_RUNNING) }},
	} {
		r := newRequest(step.device)
		step.value(r)
		if err := r.call(socket, step.what); err != nil {
			return fmt.Errorf("%s, request %#x: %w", step.device, step.what, err)
		}
	}
	return nil
}

// request is a struct ifreq: a name of 16 bytes and a value of 24.
type request [40]byte

func newRequest(device string) *request {
	r := new(request)
	copy(r[:15], device)
	return r
}

func (r *request) put16(n uint16) { binary.NativeEndian.PutUint16(r[16:], n) }

func (r *request) putIP(ip net.IP) {
	r.put16(syscall.AF_INET)
	copy(r[20:24], ip.To4())
}

func (r *request) call(fd int, what uintptr) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), what, uintptr(unsafe.Pointer(r))); errno != 0 {
		return errno
	}
	return nil
}
