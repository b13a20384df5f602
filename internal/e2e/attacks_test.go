//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"time"

	"github.com/truecount/truecount/fsm"
)

const (
	idlers     = 10_000
	deaf       = 200
	streamers  = 8
	announcers = 500
	bulk       = 1 << 20 // the longest argument
	dribblers  = 200
	dripEvery  = 10 * time.Millisecond
	dripPing   = 200 * time.Millisecond
	stormers   = 16
	drippers   = 100 // 10,000 one-byte packets each
	hoarders   = 1000
)

// attack is what hostile clients do to a node. begin returns when it is on, and it goes on until the field's stop.
type attack struct {
	name  string
	begin func(f *field)
	wants func(sum tally) error
}

// attacks come in this order.
var attacks = []attack{
	{"idle: 10,000 connections", idle, wantsNoneClosed},
	{"announce: 500 of the longest argument", announce, wantsNoneClosed},
	{"hoard: 1,000 with half of the longest argument", hoard, wantsSomeClosed},
	{"dribble: 200 times *131072, slowly", dribble(131072), wantsNoneClosed},
	{"dribble: 200 times *1048576", dribble(1048576), wantsProtocolErrors},
	{"drip: a million packets of one byte", drip, wantsNoneClosed},
	{"ping: 8 endless pipelines", endlessly("PING\r\n"), wantsNoneClosed},
	{"incr: 8 endless pipelines", endlessly("INCR stream\r\n"), wantsNoneClosed},
	{"info: 8 endless pipelines", endlessly("INFO\r\n"), wantsNoneClosed},
	{"deaf get: 200 never read 4 KiB values", deafTo("GET " + bigKey + "\r\n"), wantsNoneRefused},
	{"deaf mget: 200 never read 1,000 of them", deafTo("MGET" + strings.Repeat(" "+bigKey, 1000) + "\r\n"), wantsSomeClosed},
	{"deaf incr: 200 never read replies", deafTo("INCR deaf\r\n"), wantsNoneRefused},
	{"storm: connect, ask, vanish", storm, wantsNoneRefused},
	{"errors: protocol errors in a loop", errorsAllDay, wantsProtocolErrors},
	{"multi: 500 never say EXEC", neverExec, wantsSomeClosed},
	{"exec: 8 endless pipelines of transactions", endlessly("MULTI\r\nINCR stream\r\nGET stream\r\nEXEC\r\n"), wantsNoneClosed},
	{"deaf subscribers: 200, and messages without end", deafSubscribers, wantsNoneRefused},
	{"monitor: 50 never read what all others do", deafMonitors, wantsSomeClosed},
	{"patterns: 8 endless pipelines of SCAN", patterns("SCAN 0 COUNT 1000 MATCH " + badPattern + "\r\n"), wantsNoneClosed},
	{"patterns: 8 endless pipelines of KEYS", patterns("KEYS " + badPattern + "\r\n"), wantsNoneClosed},
}

// badPattern makes a naive matcher look at a key of many a's for ever.
var badPattern = strings.Repeat("*a", 50) + "*b"

// bigKey holds the longest value.
const bigKey = "big"

var bigValue = strings.Repeat("x", fsm.MaxText)

func idle(f *field) { f.crowd(idlers, (*foe).wait) }

func announce(f *field) {
	f.crowd(announcers, func(c *foe) {
		c.send(fmt.Appendf(nil, "*2\r\n$4\r\nECHO\r\n$%d\r\n", bulk))
		c.wait()
	})
}

// All together would be more than all clients may hold.
func hoard(f *field) {
	packet := fmt.Appendf(nil, "*2\r\n$4\r\nECHO\r\n$%d\r\n%s", bulk, strings.Repeat("x", bulk/2))
	f.crowd(hoarders, func(c *foe) {
		c.send(packet)
		c.wait()
	})
}

// dribble announces so many arguments. More than a command may have are refused before they come.
func dribble(arguments int) func(f *field) {
	return func(f *field) {
		f.crowd(dribblers, func(c *foe) {
			f.running.Go(c.wait)
			c.send(fmt.Appendf(nil, "*%d\r\n", arguments))
			c.drip(dripEvery, []byte("$1\r\nx\r\n"))
		})
	}
}

func drip(f *field) {
	const command = "PING\r\n"
	f.crowd(drippers, func(c *foe) {
		f.running.Go(c.wait)
		for n := range 1_000_000 / drippers {
			if !c.send([]byte{command[n%len(command)]}) {
				return
			}
		}
		c.linger()
	})
}

func endlessly(command string) func(f *field) {
	return func(f *field) {
		f.crowd(streamers, func(c *foe) {
			f.running.Go(c.wait)
			c.repeat(command)
		})
	}
}

func deafTo(command string) func(f *field) {
	return func(f *field) {
		f.crowd(deaf, func(c *foe) {
			c.repeat(command)
			c.linger()
		})
	}
}

func neverExec(f *field) {
	f.crowd(announcers, func(c *foe) {
		f.running.Go(c.wait)
		c.send([]byte("MULTI\r\n" + strings.Repeat("SET "+bigKey+" "+bigValue+"\r\n", 200)))
		c.linger()
	})
}

func deafSubscribers(f *field) {
	f.crowd(deaf, func(c *foe) {
		c.send([]byte("SUBSCRIBE news\r\n"))
		c.drip(dripPing, []byte("PING\r\n")) // to notice the end
	})
	endlessly("PUBLISH news " + strings.Repeat("x", 1000) + "\r\n")(f)
}

func deafMonitors(f *field) {
	f.crowd(deaf/4, func(c *foe) {
		c.send([]byte("MONITOR\r\n"))
		c.drip(dripPing, []byte("PING\r\n"))
	})
	endlessly("PING " + strings.Repeat("x", 1000) + "\r\n")(f)
}

// patterns asks for keys behind 20,000 long ones.
func patterns(command string) func(f *field) {
	return func(f *field) {
		f.crowd(1, func(c *foe) {
			f.running.Go(c.wait)
			for n := range 200 {
				packet := "MSET"
				for i := range 100 {
					packet += fmt.Sprintf(" %s%d 1", strings.Repeat("a", 500), 100*n+i)
				}
				c.send([]byte(packet + "\r\n"))
			}
			c.linger()
		})
		endlessly(command)(f)
	}
}

func storm(f *field) {
	for range stormers {
		f.running.Go(func() {
			for !f.stopped() {
				if c := f.dial(); c != nil {
					c.send([]byte("PING\r\nINCR storm\r\nhalf a com"))
					c.close()
				}
			}
		})
	}
}

func errorsAllDay(f *field) {
	packets := []string{
		"*4000000000\r\n", "*1\r\n$9223372036854775800\r\n", "*2000000000\r\n", "*1\r\n*1\r\n", "PING \"\r\n",
		strings.Repeat("x", 64<<10+1), "POST / HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	for i := range stormers {
		f.running.Go(func() {
			for n := i; !f.stopped(); n++ {
				if c := f.dial(); c != nil {
					c.send([]byte(packets[n%len(packets)]))
					f.hear(c.listen())
					c.close()
				}
			}
		})
	}
}

func wantsNoneRefused(sum tally) error {
	if sum.Failed > 0 || sum.Connected == 0 {
		return fmt.Errorf("of %d connections %d were refused", sum.Connected+sum.Failed, sum.Failed)
	}
	return nil
}

func wantsNoneClosed(sum tally) error {
	if sum.Closed > 0 {
		return fmt.Errorf("%d of %d connections were closed", sum.Closed, sum.Connected)
	}
	return wantsNoneRefused(sum)
}

func wantsSomeClosed(sum tally) error {
	if sum.Closed == 0 || sum.Closed == sum.Connected {
		return fmt.Errorf("%d of %d connections were closed, want the largest and not all", sum.Closed, sum.Connected)
	}
	return wantsNoneRefused(sum)
}

// Some are not told before the attack ends. A client that sends on when it is hung up on may miss the reason.
func wantsProtocolErrors(sum tally) error {
	if sum.Closed+stormers < sum.Connected || len(sum.Said) == 0 {
		return fmt.Errorf("%d of %d connections were closed, and told %v", sum.Closed, sum.Connected, sum.Said)
	}
	for said := range sum.Said {
		if !strings.HasPrefix(said, "-ERR Protocol error: ") {
			return fmt.Errorf("a connection was told %q", said)
		}
	}
	return wantsNoneRefused(sum)
}
