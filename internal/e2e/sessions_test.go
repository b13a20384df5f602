//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	measuredSessions = 5_000
	sessionWindow    = 256 // sequences that a session remembers
	fullReply        = 60  // bytes of text: 256 replies of it are about the 16 KiB that a session remembers
)

// What sessions take when their windows are full, as figures; `make leases`.
func TestWhatSessionsTake(t *testing.T) {
	if *leaseInstances == 0 {
		t.Skip("a measurement: make leases")
	}
	text := strings.Repeat("x", fullReply)
	for name, command := range map[string][]any{
		"answered by integers": {"INCR", "counter"},
		"answered by texts":    {"SET", "text", text, "GET"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, 3, "--snapshot-bytes", "16MiB")
			before, began := c.memory(t), time.Now()
			opener := c[0].client(t)
			ids := make([]string, measuredSessions)
			for range ids {
				if err := opener.Send("ONCE", "OPEN"); err != nil {
					t.Fatal(err)
				}
			}
			opener.Flush()
			for i := range ids {
				id, err := redis.String(opener.Receive())
				if err != nil {
					t.Fatal(err)
				}
				ids[i] = id
			}
			opened := c.memory(t)
			c.load(t, measuredSessions*sessionWindow, loadedEach, func(i int) []any {
				return append([]any{"ONCE", ids[i/sessionWindow], i%sessionWindow + 1}, command...)
			}, func(int) {})
			t.Logf("%d sessions with %d replies each in %v", measuredSessions, sessionWindow, time.Since(began).Round(time.Second/10))
			t.Logf("before %v; opened %v; full %v", before, opened, c.memory(t))
			c.timeRestart(t)
			for _, p := range c {
				if status, err := p.status(); err != nil || status.Sessions != measuredSessions {
					t.Errorf("%s has %d sessions, %v", p.name, status.Sessions, err)
				}
			}
		})
	}
}
