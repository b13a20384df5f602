package resp

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// hear feeds the session in pieces, as a connection would: when it takes no more, the cluster answers, or its replies are read.
func (c *client) hear(in []byte, piece int) string {
	var heard strings.Builder
	settle := func() {
		for {
			heard.WriteString(c.replies())
			c.turns()
			if !c.cluster.step() && len(c.session.out.buf) == 0 {
				return
			}
		}
	}
	for p := range slices.Chunk(in, piece) {
		if !c.session.hungry {
			settle()
		}
		if c.session.closing {
			break
		}
		c.send(string(p))
	}
	settle()
	return heard.String()
}

func TestHostilePacketsAreAnsweredAsTheTableSays(t *testing.T) {
	for path, packets := range hostileFiles(t) {
		var rewritten strings.Builder
		for _, p := range packets {
			c := newClient(t, newTestCluster(t))
			for i := range p.steps {
				s := &p.steps[i]
				got := c.hear([]byte(unquoteBytes(s.sent)), readChunk)
				if *update {
					s.answer = quoteBytes(got)
				}
				if want := unquoteBytes(s.answer); got != want {
					t.Errorf("%s: %q is answered %.200q, want %.200q", p.name, s.sent, got, want)
				}
			}
			if c.session.closing != p.closed {
				t.Errorf("%s: closed: %t, want %t", p.name, c.session.closing, p.closed)
			}
			if !p.closed && c.hear([]byte("ECHO end\r\n"), readChunk) != "$3\r\nend\r\n" {
				t.Errorf("%s: the connection is not between two commands", p.name)
			}
			rewritten.WriteString(p.String())
		}
		if *update {
			if err := os.WriteFile(path, []byte(rewritten.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestHostilePacketsAreAnsweredAlikeHoweverTheyAreCut(t *testing.T) {
	const few, fewest, many = 60, 3, 5000 // a short packet is cut everywhere, a long one at few places, and not byte by byte
	for _, packets := range hostileFiles(t) {
		for _, p := range packets {
			in, want := []byte(p.input()), p.answer()
			check := func(how string, got string, closed bool) {
				if got != want || closed != p.closed {
					t.Errorf("%s, %s: %.200q, closed: %t, want %.200q", p.name, how, got, closed, want)
				}
			}
			pieces := []int{997, readChunk}
			if len(in) <= many {
				pieces = append(pieces, 1)
			}
			for _, piece := range pieces {
				c := newClient(t, newTestCluster(t))
				check(fmt.Sprintf("pieces of %d", piece), c.hear(in, piece), c.session.closing)
			}
			cuts := few
			if len(in) > many {
				cuts = fewest
			} else if len(in) < 10*few {
				cuts = len(in)
			}
			for cut := range cuts {
				c := newClient(t, newTestCluster(t))
				got := c.hear(in[:cut], readChunk)
				if !strings.HasPrefix(want, got) {
					t.Errorf("%s: its first %d bytes are answered %q", p.name, cut, got)
				}
				if !c.session.closing {
					got += c.hear(in[cut:], readChunk)
				}
				check(fmt.Sprintf("cut at %d", cut), got, c.session.closing)
			}
		}
	}
}

// Each beginning of a packet, and then the client has gone: what was whole is answered, and nothing is left of it.
func TestAClientMayGoAtAnyByte(t *testing.T) {
	const most = 60 // bytes
	for path, packets := range hostileFiles(t) {
		synctest.Test(t, func(t *testing.T) {
			cluster := newTestCluster(t)
			cluster.auto = true
			l := newPipeListener()
			s := NewServer(Options{Cluster: cluster})
			go s.Serve(l)
			for _, p := range packets {
				in := []byte(p.input())
				for cut := range in[:min(most, len(in))] {
					conn := l.dial()
					go io.Copy(io.Discard, conn)
					_, _ = conn.Write(in[:cut]) // fails when the server has closed already
					conn.Close()
				}
			}
			synctest.Wait()
			if st := s.Stats(); st.Clients != 0 || st.Held != 0 {
				t.Errorf("%s: %d clients are left, with %d bytes", path, st.Clients, st.Held)
			}
			s.Close()
			cluster.answers.Wait()
		})
	}
}

func TestRedisAnswersHostilePacketsTheSameWay(t *testing.T) {
	const tooLate = 3 * time.Second // for an answer of a Redis that gives another one
	dial := startRedis(t)
	for _, packets := range hostileFiles(t) {
		for _, p := range packets {
			if p.ours != "" {
				continue
			}
			t.Run(p.name, func(t *testing.T) {
				flush := dial()
				_, _ = io.WriteString(flush, "FLUSHALL\r\n")
				_, _ = io.ReadFull(flush, make([]byte, len("+OK\r\n")))
				flush.Close()
				c := dial()
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(tooLate))
				compareWithRedis(t, c, p)
			})
		}
	}
}

func compareWithRedis(t *testing.T, c net.Conn, p *hostilePacket) {
	steps := slices.Clone(p.steps)
	if !p.closed {
		steps = append(steps, hostileStep{`ECHO end\r\n`, `$3\r\nend\r\n`})
	}
	for _, s := range steps {
		_, _ = io.WriteString(c, unquoteBytes(s.sent)) // fails when it has closed already, and then the answer tells
		want := []byte(unquoteBytes(s.answer))
		got := make([]byte, len(want))
		n, err := io.ReadFull(c, got)
		if !bytes.Equal(got, want) {
			t.Fatalf("%.60s: Redis answers %.300q (%v), we answer %.300q", s.sent, got[:n], err, want)
		}
	}
	if p.closed {
		if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil || os.IsTimeout(err) {
			t.Fatalf("Redis does not close the connection: %v", err)
		}
	}
}
