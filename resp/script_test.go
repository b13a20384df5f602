package resp

import (
	"bufio"
	"flag"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the answers that are given now into testdata/*.txt")

// A script is a conversation. Lines that begin with
//
//	>         are commands as one types them into redis-cli; the answer stands below, as redis-cli prints it
//	#         are for the reader
//	! ours    once, at the top: where we differ from Redis on purpose, so Redis is not asked
//	! advance n   let n milliseconds pass (only in scripts of ours)
type exchange struct {
	line    int
	comment string // everything in front of the command
	command string
	answer  string
}

func parseScript(text string) (exchanges []exchange, tail string, ours bool) {
	var e exchange
	flush := func() {
		if e.command != "" {
			e.answer = strings.TrimSuffix(e.answer, "\n")
			exchanges = append(exchanges, e)
			e = exchange{}
		}
	}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "> "):
			flush()
			e.line, e.command = i+1, line[2:]
		case line == "" || line[0] == '#' || line[0] == '!':
			flush()
			ours = ours || line == "! ours"
			e.comment += line + "\n"
		default:
			e.answer += line + "\n"
		}
	}
	flush()
	return exchanges, e.comment, ours
}

func advances(comment string) (millis int64) {
	for line := range strings.Lines(comment) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "! advance "); ok {
			millis, _ = strconv.ParseInt(n, 10, 64)
		}
	}
	return millis
}

func scripts(t *testing.T) []string {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	return paths
}

func TestConversationsHaveTheRecordedAnswers(t *testing.T) {
	for _, path := range scripts(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			exchanges, tail, _ := parseScript(string(text))
			cluster := newTestCluster(t)
			c := newClient(t, cluster)
			var rewritten strings.Builder
			for _, e := range exchanges {
				cluster.now += advances(e.comment)
				c.send(e.command + "\r\n")
				for cluster.step() {
				}
				got := strings.Join(formatAll(t, c.replies()), "\n")
				if got != e.answer && !*update {
					t.Errorf("line %d: %s\ngot\n%s\nwant\n%s", e.line, e.command, got, e.answer)
				}
				rewritten.WriteString(e.comment + "> " + e.command + "\n")
				if got != "" { // a muted command has no answer
					rewritten.WriteString(got + "\n")
				}
			}
			if *update {
				if err := os.WriteFile(path, []byte(rewritten.String()+tail), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// besideRedis runs a test with a real Redis for each conversation in which it shall answer the same.
func besideRedis(t *testing.T, test func(t *testing.T, redis *redisUser, exchanges []exchange)) {
	dial := startRedis(t)
	for _, path := range scripts(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			exchanges, _, ours := parseScript(string(text))
			if ours {
				t.Skip("a script of ours: it says why Redis answers otherwise")
			}
			test(t, newRedisUser(t, dial), exchanges)
		})
	}
}

func TestRedisGivesTheSameAnswers(t *testing.T) {
	besideRedis(t, func(t *testing.T, redis *redisUser, exchanges []exchange) {
		for _, e := range exchanges {
			if got := redis.ask(e.command, e.answer); got != e.answer {
				t.Errorf("line %d: %s\nRedis answers\n%s\nwe answer\n%s", e.line, e.command, got, e.answer)
			}
		}
	})
}

// The same conversations in protocol 3: what is recorded is protocol 2, so the two are asked side by side.
func TestRedisGivesTheSameAnswersInProtocol3(t *testing.T) {
	besideRedis(t, func(t *testing.T, redis *redisUser, exchanges []exchange) {
		redis.ask("HELLO 3", "any")
		cluster := newTestCluster(t)
		c := newClient(t, cluster)
		c.session.speak(protocol3)
		for _, e := range exchanges {
			c.send(e.command + "\r\n")
			for cluster.step() {
			}
			want := strings.Join(formatAll(t, c.replies()), "\n")
			if got := redis.ask(e.command, want); got != want {
				t.Errorf("line %d: %s\nRedis answers\n%s\nwe answer\n%s", e.line, e.command, got, want)
			}
		}
	})
}

// redisUser is a connection to a real Redis.
type redisUser struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func newRedisUser(t *testing.T, dial func() net.Conn) *redisUser {
	conn := dial()
	t.Cleanup(func() { conn.Close() })
	u := &redisUser{t, conn, bufio.NewReader(conn)}
	u.ask("FLUSHALL", "OK")
	return u
}

// silence is how long a real Redis is given for an answer that it may never give.
const silence = 3 * time.Second

// ask reads as many replies as are as long as those that are expected: a command may have several, or none.
func (u *redisUser) ask(command, want string) string {
	u.t.Helper()
	if _, err := u.conn.Write([]byte(command + "\r\n")); err != nil {
		u.t.Fatal(err)
	}
	var replies []string
	for len(strings.Join(replies, "\n")) < len(want) {
		_ = u.conn.SetReadDeadline(time.Now().Add(silence))
		reply, err := readReply(u.r)
		if err != nil {
			replies = append(replies, err.Error())
			break
		}
		replies = append(replies, reply)
	}
	return strings.Join(replies, "\n")
}
