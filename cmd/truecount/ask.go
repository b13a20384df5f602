package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/fsm"
)

// ask sends one command to the door at addr and returns its reply in redigo's types; patience bounds the connecting, the
// sending and the answer each. An error reply is a redis.Error; every other error says that there was no answer, and why.
func ask(ctx context.Context, addr string, patience time.Duration, command string, args ...any) (any, error) {
	conn, err := redis.DialContext(ctx, "tcp", addr,
		redis.DialConnectTimeout(patience), redis.DialReadTimeout(patience), redis.DialWriteTimeout(patience))
	if err != nil {
		return nil, noAnswer(addr, patience, err)
	}
	defer conn.Close()
	reply, err := conn.Do(command, args...)
	if err == nil {
		return reply, nil
	}
	if refusal := redis.Error(""); errors.As(err, &refusal) {
		return nil, refusal
	}
	return nil, noAnswer(addr, patience, err)
}

// askStatus asks a node what it knows of itself and its cluster; also returns the JSON as it came.
func askStatus(ctx context.Context, addr string, patience time.Duration) (fsm.Status, []byte, error) {
	var status fsm.Status
	reply, err := ask(ctx, addr, patience, "TRUECOUNT", "STATUS")
	if refusal := redis.Error(""); errors.As(err, &refusal) {
		return status, nil, fmt.Errorf("%s answered %q: is it a Truecount node's RESP address?", addr, string(refusal))
	}
	if err != nil {
		return status, nil, err
	}
	text, ok := reply.([]byte)
	if !ok || json.Unmarshal(text, &status) != nil {
		return status, nil, fmt.Errorf("%s answered something else than a status: is it a Truecount node's RESP address?", addr)
	}
	return status, text, nil
}

// noAnswer is err in words for who typed addr.
func noAnswer(addr string, patience time.Duration, err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("no answer from %s: connection refused; is a node running there?", addr)
	}
	if failure := net.Error(nil); errors.As(err, &failure) && failure.Timeout() {
		return fmt.Errorf("no answer from %s within %v; is the node overloaded or its network cut?", addr, patience)
	}
	if failure := (*net.DNSError)(nil); errors.As(err, &failure) {
		return fmt.Errorf("no answer from %s: no such host %q", addr, failure.Name)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("no answer from %s: it closed the connection; is it a node's RESP address, and not its peer address?", addr)
	}
	return fmt.Errorf("no answer from %s: %w; is it a node's RESP address?", addr, err)
}
