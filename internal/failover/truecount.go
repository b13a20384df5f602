package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/fsm"
)

// truecount has connections to its members in stock.
type truecount struct {
	binary, dir string
	mu          sync.Mutex
	idle        map[*member][]redis.Conn
}

func newTruecount(binary, dir string) *truecount {
	return &truecount{binary: binary, dir: dir, idle: map[*member][]redis.Conn{}}
}

func (s *truecount) begin() ([]*member, error) {
	addrs, err := freeAddresses(6)
	if err != nil {
		return nil, err
	}
	var members []*member
	for i := range 3 {
		name := "t" + strconv.Itoa(i+1)
		args := []string{"serve", "--id", name, "--dir", filepath.Join(s.dir, name), "--resp", addrs[i], "--peer", addrs[3+i],
			"--log-level", "off"}
		if i > 0 {
			args = append(args, "--join", addrs[0])
		}
		members = append(members, &member{binary: s.binary, args: args, client: addrs[i]})
	}
	return members, nil
}

func (s *truecount) leads(ctx context.Context, m *member) bool {
	var status fsm.Status
	err := s.with(ctx, m, func(conn redis.Conn) error {
		text, err := redis.Bytes(redis.DoContext(conn, ctx, "TRUECOUNT", "STATUS"))
		if err != nil {
			return err
		}
		return json.Unmarshal(text, &status)
	})
	if err != nil || status.Role != fsm.Leader || len(status.Members) != 3 {
		return false
	}
	for _, member := range status.Members {
		if !member.Voter || member.Reachable == nil || !*member.Reachable {
			return false
		}
	}
	return true
}

func (s *truecount) increment(ctx context.Context, m *member, key string) error {
	return s.with(ctx, m, func(conn redis.Conn) error {
		_, err := redis.DoContext(conn, ctx, "INCR", key)
		return err
	})
}

// with lends an idle connection, or a new one; one that has failed is closed.
func (s *truecount) with(ctx context.Context, m *member, use func(redis.Conn) error) error {
	s.mu.Lock()
	var conn redis.Conn
	if idle := s.idle[m]; len(idle) > 0 {
		conn, s.idle[m] = idle[len(idle)-1], idle[:len(idle)-1]
	}
	s.mu.Unlock()
	if conn == nil {
		var err error
		if conn, err = redis.DialContext(ctx, "tcp", m.client); err != nil {
			return err
		}
	}
	err := use(conn)
	if err != nil {
		conn.Close()
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle[m] = append(s.idle[m], conn)
	return nil
}
