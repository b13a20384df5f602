package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

const testPatience = 10 * time.Second

// fronted is a network of proxies with an echo of lines at the peer port of the second host. Who dials is the first.
func fronted(t *testing.T) *proxies {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("who dials is told by the kernel of Linux")
	}
	p, err := newProxies(2, "a test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	p.all[0].pid.Store(int64(os.Getpid()))
	echo(t, p.all[1].address(peerPort))
	return p
}

// echo answers at an address with what it hears.
func echo(t *testing.T, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
}

type peer struct {
	t    *testing.T
	conn net.Conn
	from *bufio.Reader
}

func dialed(t *testing.T, addr string) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testPatience))
	return &peer{t, conn, bufio.NewReader(conn)}
}

func (p *peer) say(line string) { fmt.Fprintln(p.conn, line) }

func (p *peer) hears(want string) {
	p.t.Helper()
	if got, err := p.from.ReadString('\n'); got != want+"\n" {
		p.t.Fatalf("%q, %v, want %q", got, err, want)
	}
}

func (p *peer) ends() {
	p.t.Helper()
	if got, err := p.from.ReadString('\n'); err == nil || os.IsTimeout(err) {
		p.t.Fatalf("%q, %v, want the end", got, err)
	}
}

// until polls, since sockets know no virtual time.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(testPatience); !condition(); {
		select {
		case <-deadline:
			t.Fatal("never ", what)
		case <-tick.C:
		}
	}
}

func TestAProxyHoldsBackWhatALinkThatIsCutWouldCarry(t *testing.T) {
	for name, way := range map[string][2]int{"request": {0, 1}, "reply": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			p := fronted(t)
			c := dialed(t, p.all[1].front)
			c.say("a")
			c.hears("a")
			before := p.counted()
			p.set(way[0], way[1], link{cut: true})
			c.say("b")
			until(t, "held", func() bool { return p.counted().held > before.held })
			if passed := p.counted().since(before).passed; name == "request" && passed != 0 || name == "reply" && passed != 1 {
				t.Errorf("%d pieces passed, and the %s was to be held", passed, name)
			}
			p.set(way[0], way[1], link{})
			c.hears("b")
			if got := p.counted().since(before).proof(link{cut: true}); got != "1 pieces held back" {
				t.Errorf("proof %q", got)
			}
			c.conn.(*net.TCPConn).CloseWrite()
			c.ends()
		})
	}
}

func TestNobodyConnectsThroughALinkThatIsCut(t *testing.T) {
	p := fronted(t)
	p.set(1, 0, link{cut: true})
	kept, left := dialed(t, p.all[1].front), dialed(t, p.all[1].front)
	kept.say("a")
	until(t, "held", func() bool { return p.counted().held == 2 })
	left.say("gone")
	left.conn.Close()
	p.set(1, 0, link{})
	kept.hears("a")
	for range 10 { // time enough for the other
		kept.say("b")
		kept.hears("b")
	}
	if passed := p.counted().passed; passed != 22 {
		t.Errorf("%d pieces passed, want 22: of one who has not given up", passed)
	}
}

func TestAProxyResetsDelaysAndRefuses(t *testing.T) {
	p := fronted(t)
	p.set(0, 1, link{delay: 30 * time.Millisecond, rate: 1 << 20})
	c, began := dialed(t, p.all[1].front), time.Now()
	c.say("a")
	c.hears("a")
	if took := time.Since(began); took < 30*time.Millisecond || p.counted().delayed != 1 {
		t.Errorf("took %v, %d delayed", took, p.counted().delayed)
	}
	p.set(0, 1, link{reset: 1})
	c.say("b")
	c.ends()
	if got := p.counted().proof(link{reset: 1}); got != "1 connections reset" {
		t.Errorf("proof %q", got)
	}
	p.set(0, 1, link{})
	dialed(t, p.all[0].front).ends() // nobody listens there
	p.all[0].pid.Store(0)
	dialed(t, p.all[1].front).ends() // a stranger
	if p.lacks(link{cut: true}) != "" || p.lacks(link{loss: 0.1}) == "" || p.lacks(link{dup: 0.1}) == "" {
		t.Error("a proxy cuts, and neither loses nor doubles")
	}
}

func TestASocketIsFoundInTheKernelsTable(t *testing.T) {
	own := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 0x8C7A}
	other := &net.TCPAddr{IP: net.IPv4(127, 201, 3, 2), Port: 27379}
	row := func(a, b net.Addr, inode int) string {
		return fmt.Sprintf("   0: %s %s 01 00000000:00000000 00:00000000 00000000     0        0 %d 1 0000 20 4\n",
			rowAddress(a), rowAddress(b), inode)
	}
	table := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	for _, c := range []struct{ name, rows, want string }{
		{"among others", row(other, own, 6) + row(own, own, 7) + row(own, other, 8), "8"},
		{"closed", row(own, other, 0), ""},
		{"none", row(other, own, 6), ""},
	} {
		if got := socketOf([]byte(table+c.rows), own, other); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := rowAddress(&net.TCPAddr{IP: net.IPv6loopback, Port: 1}); got != "-" {
		t.Errorf("of IPv6: %q", got)
	}
}
