package resp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// redisPatience bounds every wait for the real Redis.
const redisPatience = 20 * time.Second

// startRedis runs a real Redis for the length of the test, or skips it, and gives a way to connect. Options are those of its
// command line, besides what all tests want.
func startRedis(t *testing.T, options ...string) (dial func() net.Conn) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed, so nothing to compare with")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = free.Close()
	ctx, stop := context.WithCancel(context.Background())
	options = append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()}, options...)
	server := exec.CommandContext(ctx, path, options...)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = server.Wait()
	})
	tooLate := time.AfterFunc(redisPatience, stop)
	defer tooLate.Stop()
	lines := bufio.NewScanner(out)
	for ready := false; !ready; ready = strings.Contains(lines.Text(), "Ready to accept connections") {
		if !lines.Scan() {
			t.Skip("redis-server did not start")
		}
	}
	go io.Copy(io.Discard, out) // ends with the server
	return func() net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(redisPatience))
		return c
	}
}

// The commands of the table, unknown to Redis but for INCR, are answered by one line each, so lines can be counted: one
// for each command, then the error's, or that of "the end" which was asked for.
func TestRedisReadsTheBoundaryPacketsTheSameWay(t *testing.T) {
	dial := startRedis(t)
	for _, p := range readerPackets {
		if p.ours {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			c := dial()
			defer c.Close()
			if r := feedString(&Reader{}, p.in); p.err == "" {
				if _, _ = drain(r, nil); r.Buffered() > 0 {
					t.Skip("half a command has no answer")
				}
			}
			_, _ = io.WriteString(c, p.in)
			if p.err == "" {
				_, _ = io.WriteString(c, "ECHO 'the end'\r\n")
			}
			answers := bufio.NewReader(c)
			for range p.commands {
				if line, err := answers.ReadString('\n'); err != nil || line[0] != '-' && line[0] != ':' {
					t.Fatalf("Redis says %q, %v", line, err)
				}
			}
			want := "$7\r\n"
			if p.err != "" {
				want = "-ERR Protocol error: " + p.err + "\r\n"
			}
			if line, err := answers.ReadString('\n'); err != nil || line != want {
				t.Fatalf("Redis says %q, %v, want %q", line, err, want)
			}
		})
	}
}

func TestRedisSplitsRandomLinesTheSameWay(t *testing.T) {
	dial := startRedis(t)
	pieces := []string{`"`, `"`, `'`, `'`, `\`, `\x`, `\n`, `\'`, " ", " ", "\t", "\r", "\v", "\f", "4", "1", "aF", "b", "g", "\xff", `" `, ` "`, ` '`, `' `}
	rng := rand.New(rand.NewPCG(7, 7))
	c := dial()
	defer func() { c.Close() }()
	answers := bufio.NewReader(c)
	split, refused := 0, 0
	for i := range 3000 {
		line := fmt.Sprintf("RPUSH k%d first ", i)
		for range rng.IntN(14) {
			line += pieces[rng.IntN(len(pieces))]
		}
		commands, err := readPieces(&Reader{}, []byte(line+"\r\n"))
		_, _ = fmt.Fprintf(c, "%s\r\nLRANGE k%d 0 -1\r\n", line, i)
		first, ioErr := answers.ReadString('\n')
		if ioErr != nil {
			t.Fatal(ioErr)
		}
		if err != nil {
			if first != "-ERR "+err.Error()+"\r\n" {
				t.Fatalf("%q: Redis says %q, we %v", line, first, err)
			}
			refused++
			c.Close()
			c = dial()
			answers.Reset(c)
			continue
		}
		if got := readArray(t, answers); !slices.Equal(got, commands[0][2:]) {
			t.Fatalf("%q: Redis reads %q (%q), we %q", line, got, first, commands[0][2:])
		}
		split++
	}
	if split < 500 || refused < 500 {
		t.Errorf("%d lines split and %d refused: the lines are too much alike", split, refused)
	}
}

// readArray reads an array of bulk strings as a server sends it.
func readArray(t *testing.T, from *bufio.Reader) (got []string) {
	t.Helper()
	number := func(kind byte) int {
		line, err := from.ReadString('\n')
		if err != nil || line[0] != kind {
			t.Fatalf("not a %q: %q, %v", kind, line, err)
		}
		n, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
		return n
	}
	for range number('*') {
		b := make([]byte, number('$')+lineEnd)
		if _, err := io.ReadFull(from, b); err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b[:len(b)-lineEnd]))
	}
	return got
}
