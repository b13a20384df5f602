//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"
)

const (
	fullBytes  = 1 << 20
	manyKeys   = 4000 // of longKey's length, more than fit
	longText   = 4000 // bytes; a key with it counts with some 4,600
	wantedKeys = 100
)

// longKey is so long that some hundred fill the cluster.
func longKey(i int) string { return fmt.Sprintf("%s:%d", strings.Repeat("k", 1000), i) }

func TestAFullClusterRefusesWhatGrowsAndGoesOnCounting(t *testing.T) {
	c := newCluster(t, 3, "--max-bytes", "1MiB")
	client := c[0].client(t)
	kept := 0
	for i := range manyKeys {
		value, err := redis.Int64(client.Do("INCR", longKey(i)))
		if err != nil {
			wantOOM(t, err, "max-bytes of 1048576")
			break
		}
		if kept++; value != 1 {
			t.Fatalf("INCR of a new key: %d", value)
		}
	}
	if kept < fullBytes/2000 || kept > fullBytes/1000 {
		t.Fatalf("%d keys of 1000 bytes are in 1 MiB", kept)
	}
	used := wantInfo(t, c[0], "max_bytes", fullBytes)
	if used > fullBytes || used < fullBytes-2000 {
		t.Errorf("used_bytes:%d when full", used)
	}
	for _, p := range c { // the limit is the cluster's
		client := p.client(t)
		_, err := client.Do("INCR", "new:"+strings.Repeat("k", 1000))
		wantOOM(t, err, "max-bytes")
		_, err = client.Do("SET", longKey(0), strings.Repeat("x", longText))
		wantOOM(t, err, "max-bytes")
		_, err = client.Do("MSET", "a", "1", "b", "2", "c", strings.Repeat("x", longText))
		wantOOM(t, err, "max-bytes")
		if n, err := redis.Int(client.Do("EXISTS", "a", "b", "c")); err != nil || n != 0 {
			t.Errorf("%d keys of a refused MSET are there, %v", n, err)
		}
	}
	l := startLoad(t, longKey(0)[:1000], 2, c...) // keys that are there
	l.waitAcked(t, aroundAKill)
	l.end()
	l.wantNoErrors(t)

	for _, p := range c {
		p.cmd.Process.Kill()
	}
	for _, p := range c {
		p.kill(t)
	}
	for _, p := range c {
		p.start(t)
	}
	c.waitWhole(t)
	if again := wantInfo(t, c[1], "max_bytes", fullBytes); again != used {
		t.Errorf("used_bytes:%d after the restart, was %d", again, used)
	}
	client = c[1].client(t)
	_, err := client.Do("INCR", longKey(manyKeys))
	wantOOM(t, err, "max-bytes")
	if n, err := redis.Int(client.Do("DEL", longKey(kept-1), longKey(kept-2))); err != nil || n != 2 {
		t.Errorf("DEL: %d, %v", n, err)
	}
	if _, err := client.Do("INCR", longKey(manyKeys)); err != nil {
		t.Errorf("after DEL: %v", err)
	}
}

// As OPERATIONS.md has it: one node is restarted with the new value and made leader.
func TestALimitIsRaisedByTheNextLeader(t *testing.T) {
	c := newCluster(t, 3, "--max-keys", strconv.Itoa(wantedKeys))
	client := c[0].client(t)
	for i := range wantedKeys {
		if _, err := client.Do("SET", fmt.Sprint("key:", i), "text"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.Do("SET", "one more", "text")
	wantOOM(t, err, "max-keys of 100")
	_, err = client.Do("MSET", "key:0", "changed", "one more", "text")
	wantOOM(t, err, "max-keys of 100")
	if text, err := redis.String(client.Do("GET", "key:0")); err != nil || text != "text" {
		t.Errorf("half of an MSET was stored: %q, %v", text, err)
	}
	if _, err := client.Do("MSET", "key:0", "changed", "key:1", "changed"); err != nil {
		t.Errorf("an MSET of keys that are there: %v", err)
	}

	heir := c.without(c.leader(t))[0]
	own := heir.flags
	heir.flags = append(own[:len(own):len(own)], "--max-keys", strconv.Itoa(wantedKeys+1))
	heir.terminate(t)
	heir.start(t)
	c.waitWhole(t)
	cli(t, "transfer", "--node", heir.resp, heir.name)
	eventually(t, "the new limit is in force", func() error { return heir.said("limits are now", "max-keys 101") })
	other := c.without(heir)[0].client(t)
	eventually(t, "one more key", func() error {
		_, err := other.Do("SET", "one more", "text")
		return err
	})
	wantInfo(t, heir, "max_keys", wantedKeys+1)
	_, err = other.Do("SET", "two more", "text")
	wantOOM(t, err, "max-keys of 101")
}

// wantOOM wants Redis's word for a full server, and the limit in it.
func wantOOM(t *testing.T, err error, words string) {
	t.Helper()
	if refusal := redis.Error(""); !errors.As(err, &refusal) || !strings.HasPrefix(string(refusal), "OOM ") || !strings.Contains(string(refusal), words) {
		t.Errorf("%v, want OOM with %q", err, words)
	}
}

// wantInfo wants a limit in INFO, and returns the used bytes there.
func wantInfo(t *testing.T, p *process, limit string, want int64) (used int64) {
	t.Helper()
	info, err := redis.String(p.client(t).Do("INFO", "truecount"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(info, fmt.Sprintf("%s:%d\r\n", limit, want)) {
		t.Errorf("INFO of %s says\n%s, want %s:%d", p.name, info, limit, want)
	}
	_, text, _ := strings.Cut(info, "used_bytes:")
	text, _, _ = strings.Cut(text, "\r\n")
	if used, err = strconv.ParseInt(text, 10, 64); err != nil {
		t.Errorf("INFO of %s: used_bytes: %v", p.name, err)
	}
	return used
}
