package main

import (
	"net"
	"strings"
	"testing"
)

func TestAddressesToListenAt(t *testing.T) {
	for _, test := range []struct {
		addr string
		open bool
		want string // part of the error; empty: allowed
	}{
		{"127.0.0.1:7379", false, ""},
		{"127.0.0.1:0", false, ""},
		{"[::1]:7379", false, ""},
		{"[::ffff:127.0.0.1]:7379", false, ""},
		{"10.1.2.3:7379", true, ""},
		{"10.1.2.3:7379", false, "add --insecure"},
		{"[2001:db8::1]:7379", false, "add --insecure"},
		{"[::ffff:10.1.2.3]:7379", false, "add --insecure"},
		{"0.0.0.0:7379", true, "names no interface"},
		{"[::]:7379", true, "names no interface"},
		{"[::ffff:0.0.0.0]:7379", true, "names no interface"},
		{":7379", true, "names no interface"},
		{"", false, "is not an address"},
		{"7379", false, "is not an address"},
		{"127.0.0.1", false, "is not an address"},
		{"::1:7379", false, "is not an address"},
		{"127.0.0.1:redis", false, "the port must be a number"},
		{"127.0.0.1:-1", false, "the port must be a number"},
		{"127.0.0.1:65536", false, "the port must be a number"},
	} {
		closed := strangersCount
		if test.open {
			closed = ""
		}
		checkError(t, test.addr, checkListen("resp", test.addr, closed), "--resp", test.want)
	}
}

func TestAddressesOfOtherNodes(t *testing.T) {
	for _, test := range []struct{ addr, want string }{
		{"127.0.0.1:7379", ""},
		{"counter.example:7379", ""},
		{"127.0.0.1:0", "give the host and the port"},
		{":7379", "give the host and the port"},
		{"", "is not an address"},
	} {
		checkError(t, test.addr, checkTarget("join", test.addr), "--join", test.want)
	}
}

func TestThePeerPortIsTenThousandAboveTheDoor(t *testing.T) {
	for _, test := range []struct{ resp, peer, want string }{
		{"127.0.0.1:7379", "127.0.0.1:17379", ""},
		{"[::1]:55535", "[::1]:65535", ""},
		{"127.0.0.1:0", "127.0.0.1:0", ""},
		{"127.0.0.1:55536", "", "give --peer"},
	} {
		peer, err := peerAddress(test.resp)
		checkError(t, test.resp, err, "--resp", test.want)
		if peer != test.peer {
			t.Errorf("%s: peer port at %q, want %q", test.resp, peer, test.peer)
		}
	}
}

func TestAPortInUseIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = listen("peer", l.Addr().String())
	checkError(t, "a second listener", err, "--peer "+l.Addr().String(), "the port is in use")
}

// checkError wants one line that names flag and holds want; or no error if want is empty.
func checkError(t *testing.T, what string, err error, flag, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), flag) {
		t.Errorf("%s: error %v, want one on %s with %q", what, err, flag, want)
		return
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: the error has more than one line: %q", what, err)
	}
}
