package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// counterServer is a Redis of a few lines, which may lie.
type counterServer struct {
	replicas int // what WAIT answers
	lose     int // each so-manieth increment is acknowledged and forgotten; 0: none
	refuse   int // each so-manieth is answered by an error; 0: none

	mu     sync.Mutex
	counts map[string]int
	asked  int // increments
}

// start serves on loopback until the test ends.
func (s *counterServer) start(t *testing.T) *process {
	t.Helper()
	listener, err := net.Listen("tcp", address(0))
	if err != nil {
		t.Fatal(err)
	}
	s.counts = map[string]int{}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				s.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	return &process{name: "fake", address: listener.Addr().String(), exited: make(chan struct{})}
}

func (s *counterServer) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		args, err := readCommand(in)
		if err != nil {
			return
		}
		if _, err := io.WriteString(conn, s.answer(args)); err != nil {
			return
		}
	}
}

func readCommand(in *bufio.Reader) (args []string, err error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil {
		return nil, err
	}
	for range n {
		if _, err := in.ReadString('\n'); err != nil { // its length
			return nil, err
		}
		arg, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		args = append(args, strings.TrimSpace(arg))
	}
	return args, nil
}

func (s *counterServer) answer(args []string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch args[0] {
	case "INCR":
		s.asked++
		if s.refuse > 0 && s.asked%s.refuse == 0 {
			return "-ERR no\r\n"
		}
		if s.lose == 0 || s.asked%s.lose != 0 {
			s.counts[args[1]]++
		}
		return fmt.Sprintf(":%d\r\n", s.counts[args[1]])
	case "WAIT":
		return fmt.Sprintf(":%d\r\n", s.replicas)
	case "PING":
		return "+PONG\r\n"
	case "MGET":
		text := fmt.Sprintf("*%d\r\n", len(args)-1)
		for _, key := range args[1:] {
			text += s.bulk(key)
		}
		return text
	}
	return "-ERR unknown command\r\n"
}

func (s *counterServer) bulk(key string) string {
	if s.counts[key] == 0 {
		return "$-1\r\n"
	}
	text := strconv.Itoa(s.counts[key])
	return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text)
}
