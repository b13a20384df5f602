package demo

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestACallerWhoReadsNothingDoesNotHoldUpTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), socketName)
	calls := make(chan call)
	s, err := serve(path, calls)
	if err != nil {
		t.Fatal(err)
	}
	caller, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	if _, err := io.WriteString(caller, `{"do":"status"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	c := <-calls
	s.shut()
	c.answer <- answer{Error: strings.Repeat("x", 8<<20)} // more than a socket holds
	ended := make(chan struct{})
	go func() { s.wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatalf("the server waits for its caller for more than %v", patience)
	}
}
