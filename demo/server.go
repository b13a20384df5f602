package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

const (
	maxRequest = 4 << 10     // bytes of a request
	maxCallers = 16          // connections at once
	takeTime   = time.Second // for a caller to take his answer: one who reads nothing would hold up the end
)

// server takes requests from the socket and hands them to the stage.
type server struct {
	listener net.Listener
	requests chan<- call
	slots    chan struct{}
	running  sync.WaitGroup
}

// call is a request with the place for its one answer.
type call struct {
	request
	answer chan answer // room for one
}

// serve listens at path until shut. Only who holds the place may call it.
func serve(path string, requests chan<- call) (*server, error) {
	os.Remove(path) // of a demo that was killed
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("the socket for demo kill and the others: %w", err)
	}
	s := &server{listener: listener, requests: requests, slots: make(chan struct{}, maxCallers)}
	s.running.Go(s.accept)
	return s, nil
}

// shut lets nobody in any more.
func (s *server) shut() { s.listener.Close() }

// wait waits, after shut, until all callers have their answers, or have not taken them in time.
func (s *server) wait() { s.running.Wait() }

func (s *server) accept() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		select {
		case s.slots <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		s.running.Go(func() {
			defer func() { <-s.slots }()
			defer conn.Close()
			s.talk(ctx, conn)
		})
	}
}

// talk answers one caller until he goes, or the listener is closed.
func (s *server) talk(ctx context.Context, conn net.Conn) {
	lines := bufio.NewReaderSize(conn, maxRequest)
	for {
		stop := context.AfterFunc(ctx, func() { conn.Close() }) // not while an answer is on its way
		line, err := lines.ReadSlice('\n')
		if !stop() || err != nil {
			return
		}
		c := call{answer: make(chan answer, 1)}
		if err := json.Unmarshal(line, &c.request); err != nil {
			c.answer <- answer{Error: "not a request: " + err.Error()}
		} else {
			s.requests <- c
		}
		text, err := json.Marshal(<-c.answer)
		if err != nil {
			return
		}
		conn.SetWriteDeadline(time.Now().Add(takeTime)) // fails only if it is closed, and Write says that
		if _, err := conn.Write(append(text, '\n')); err != nil {
			return
		}
	}
}
