package clients

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	goredis "github.com/redis/go-redis/v9"
)

// Once does writes once. Each goroutine has its own.
type Once struct {
	client  *goredis.Client
	session string
	number  int
}

func (o *Once) Do(ctx context.Context, command ...any) *goredis.Cmd {
	o.number++
	args := append([]any{"ONCE", o.session, o.number}, command...)
	for {
		reply := o.client.Do(ctx, args...)
		if settled(reply.Err()) || ctx.Err() != nil {
			return reply
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// untold begins the errors that leave open what became of the command when it was sent before.
var untold = regexp.MustCompile("^(UNKNOWN|CLUSTERDOWN|MISCONF|ERR max number of clients) ")

func settled(err error) bool {
	var reply goredis.Error
	return err == nil || errors.As(err, &reply) && !untold.MatchString(err.Error())
}

// What docs/CLIENTS.md shows of ONCE is in the file that is run here.
func TestTheSnippetsOfTheDocumentAreTested(t *testing.T) {
	document, err := os.ReadFile("../../docs/CLIENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	for language, file := range map[string]string{"go": "snippet_test.go", "python": "testdata/once.py", "js": "testdata/once.js"} {
		_, rest, found := strings.Cut(string(document), "```"+language+"\n")
		snippet, _, ended := strings.Cut(rest, "```\n")
		code, err := os.ReadFile(file)
		if err != nil || !found || !ended || !strings.Contains(string(code), snippet) {
			t.Errorf("what the document shows in %s is not in %s (%v)", language, file, err)
		}
	}
}

func TestTheGoSnippetCountsOnceWhenAReplyIsLost(t *testing.T) {
	countsOnce(t, func(addr, key string) string {
		c := goRedis(t, addr)
		o := &Once{client: c, session: c.Do(t.Context(), "ONCE", "OPEN").Val().(string)}
		var told []string
		for range 2 {
			n, err := o.Do(t.Context(), "INCR", key).Int64()
			if err != nil {
				t.Error(err)
			}
			told = append(told, strconv.FormatInt(n, 10))
		}
		return strings.Join(told, " ")
	})
}

// countsOnce runs what makes two increments and returns what they are told, behind a network that takes the first reply away.
func countsOnce(t *testing.T, run func(addr, key string) string) {
	p := thePlace(t)
	if !p.ours() {
		t.Skip("Redis has no ONCE")
	}
	key, l := p.key(t, "counter"), newLossy(t, p.addrs[0])
	if told := run(l.Addr().String(), key); told != "1 2" {
		t.Errorf("two increments are told %q", told)
	}
	value, err := redis.Int(do(newRedigo(t, p.addrs[0]), "GET", key))
	wants(t, "the counter", value, err, 2)
	wants(t, "a reply was lost", l.lost.Load(), nil, true)
}

// A plain pipeline with MULTI and ONCE … EXEC is a transaction that go-redis may send again as a whole.
func TestATransactionOfGoRedisCountsOnceWhenItsReplyIsLost(t *testing.T) {
	p, ctx := thePlace(t), t.Context()
	if !p.ours() {
		t.Skip("Redis has no ONCE")
	}
	l, key := newLossy(t, p.addrs[0]), p.key(t, "counter")
	c := goRedis(t, l.Addr().String())
	session := c.Do(ctx, "ONCE", "OPEN").Val()
	replies, err := c.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
		pipe.Do(ctx, "MULTI")
		pipe.Do(ctx, "INCR", key)
		pipe.Do(ctx, "INCRBY", key, 10)
		pipe.Do(ctx, "ONCE", session, 1, "EXEC")
		return nil
	})
	wants(t, "the replies", len(replies), err, 4)
	wants(t, "the transaction", fmt.Sprint(replies[3].(*goredis.Cmd).Val()), replies[3].Err(), "[1 11]")
	value, err := redis.Int(do(newRedigo(t, p.addrs[1]), "GET", key))
	wants(t, "the counter", value, err, 11)
	wants(t, "a reply was lost", l.lost.Load(), nil, true)
}

// printed is what a script prints.
func printed(t *testing.T, env []string, command string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	script := exec.CommandContext(ctx, command, args...)
	script.Env = append(os.Environ(), env...)
	out, err := script.Output()
	if err != nil {
		t.Errorf("%s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}
