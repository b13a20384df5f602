package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/spf13/cobra"

	"github.com/truecount/truecount/configs"
	"github.com/truecount/truecount/fsm"
)

// caller asks the doors of nodes, and logs in there if it has a password.
type caller struct {
	password string
	file     string // where the password is to be read; empty: nowhere
}

// passwordFlag says in which file the nodes' password is.
func (c *caller) passwordFlag(cmd *cobra.Command) {
	const name = "password-file"
	variable := ""
	for _, s := range configs.Settings() {
		if s.Name == name {
			variable = s.Variable()
		}
	}
	cmd.Flags().StringVar(&c.file, name, os.Getenv(variable), "file with the nodes' password; "+variable+" names one, too")
	cmd.Flags().Lookup(name).DefValue = ""
}

// load reads the password, once.
func (c *caller) load() error {
	if c.file == "" || c.password != "" {
		return nil
	}
	password, err := configs.ReadPassword(c.file)
	c.password = string(password)
	return err
}

// ask sends one command to the door at addr and returns its reply in redigo's types; patience bounds the connecting, the
// sending and the answer each. An error reply is a redis.Error; every other error says that there was no answer, and why.
func (c *caller) ask(ctx context.Context, addr string, patience time.Duration, command string, args ...any) (any, error) {
	if err := c.load(); err != nil {
		return nil, err
	}
	conn, err := redis.DialContext(ctx, "tcp", addr, redis.DialPassword(c.password),
		redis.DialConnectTimeout(patience), redis.DialReadTimeout(patience), redis.DialWriteTimeout(patience))
	refusal := redis.Error("")
	if errors.As(err, &refusal) {
		return nil, refusal
	}
	if err != nil {
		return nil, noAnswer(addr, patience, err)
	}
	defer conn.Close()
	reply, err := conn.Do(command, args...)
	if err == nil {
		return reply, nil
	}
	if errors.As(err, &refusal) {
		return nil, refusal
	}
	return nil, noAnswer(addr, patience, err)
}

// status asks a node what it knows of itself and its cluster; also returns the JSON as it came.
func (c *caller) status(ctx context.Context, addr string, patience time.Duration) (fsm.Status, []byte, error) {
	var status fsm.Status
	reply, err := c.ask(ctx, addr, patience, "TRUECOUNT", "STATUS")
	if refusal := redis.Error(""); errors.As(err, &refusal) {
		switch code, _, _ := strings.Cut(string(refusal), " "); {
		case code == "NOAUTH":
			return status, nil, fmt.Errorf("%s asks for a password: give --password-file", addr)
		case code == "WRONGPASS":
			return status, nil, fmt.Errorf("%s has another password: give its --password-file", addr)
		case strings.Contains(string(refusal), "without any password"):
			return status, nil, fmt.Errorf("%s has no password: give every node the same --password-file, or none", addr)
		}
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

// dial opens a connection and logs in, for those who speak on it themselves.
func (c *caller) dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil || c.password == "" {
		return conn, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := c.login(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (c *caller) login(conn net.Conn) error {
	if _, err := fmt.Fprintf(conn, "*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n", len(c.password), c.password); err != nil {
		return err
	}
	const welcome = "+OK\r\n"
	var answer [len(welcome)]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if string(answer[:]) != welcome {
		return errors.New("it does not take this password")
	}
	return nil
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
