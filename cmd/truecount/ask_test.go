package main

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/resp"
)

// doorWith is a door with a password, and a gate behind it that nobody opens.
func doorWith(t *testing.T, password string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := resp.NewServer(resp.Options{Cluster: newGate(fsm.Status{ID: "n1"}, nil), Password: []byte(password)})
	go server.Serve(l)
	t.Cleanup(server.Close)
	return l.Addr().String()
}

func TestACallerLogsInWhereAPasswordIsAskedFor(t *testing.T) {
	locked, open := doorWith(t, "open sesame"), doorWith(t, "")
	right, wrong := write(t, "open sesame\n"), write(t, "open barley\n")
	for _, test := range []struct{ addr, file, want string }{
		{locked, right, ""},
		{open, "", ""},
		{locked, "", "asks for a password: give --password-file"},
		{locked, wrong, "has another password"},
		{open, right, "has no password"},
		{locked, write(t, "short\n"), "its password has 5 bytes, at least 8 are needed"},
	} {
		nodes := caller{file: test.file}
		status, _, err := nodes.status(context.Background(), test.addr, 5*time.Second)
		switch {
		case test.want == "" && (err != nil || status.ID != "n1"):
			t.Errorf("%+v: status of %q, %v", test, status.ID, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%+v: %v", test, err)
		}
	}
	for _, password := range []string{"open sesame", "open barley"} {
		conn, err := (&caller{password: password}).dial(context.Background(), locked)
		if (err == nil) != (password == "open sesame") {
			t.Errorf("%s: %v", password, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}
