package resp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAMessageReachesTheSubscribersInBothProtocols(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	old, modern, sender := s.dial(), s.dial(), s.dial()
	modern.send("HELLO 3\r\n")
	if _, err := readReply(modern.r); err != nil {
		t.Fatal(err)
	}
	old.send("PSUBSCRIBE n*\r\n")
	old.wants("1) \"psubscribe\"\n2) \"n*\"\n3) (integer) 1")
	modern.send("SUBSCRIBE news\r\n")
	modern.wants("1> \"subscribe\"\n2> \"news\"\n3> (integer) 1")
	sender.send("INCR a\r\nPUBLISH news hello\r\nPUBLISH nothing x\r\nPUBLISH else x\r\n")
	sender.wants("(integer) 1", "(integer) 2", "(integer) 1", "(integer) 0")
	modern.wants("1> \"message\"\n2> \"news\"\n3> \"hello\"")
	old.wants("1) \"pmessage\"\n2) \"n*\"\n3) \"news\"\n4) \"hello\"", "1) \"pmessage\"\n2) \"n*\"\n3) \"nothing\"\n4) \"x\"")
	modern.send("INCR a\r\n")
	modern.wants("(integer) 2")
}

func TestMessagesKeepTheirOrderAndNoneIsLost(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	const subscribers, senders, each = 4, 3, 2000
	var group sync.WaitGroup
	for range subscribers {
		u := s.dial()
		u.send("SUBSCRIBE c\r\n")
		u.wants("1) \"subscribe\"\n2) \"c\"\n3) (integer) 1")
		group.Go(func() {
			var seen [senders]int
			for range senders * each {
				got, err := readReply(u.r)
				var sender, number int
				if _, scanned := fmt.Sscanf(got, "1) \"message\"\n2) \"c\"\n3) \"%d:%d\"", &sender, &number); err != nil || scanned != nil {
					t.Errorf("got %q, %v", got, err)
					return
				}
				if number != seen[sender] {
					t.Errorf("message %d of sender %d comes instead of %d", number, sender, seen[sender])
					return
				}
				seen[sender]++
			}
		})
	}
	for sender := range senders {
		u := s.dial()
		group.Go(func() {
			go io.Copy(io.Discard, u.Conn)
			for number := range each {
				if _, err := fmt.Fprintf(u, "PUBLISH c %d:%d\r\n", sender, number); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func TestASubscriberThatDoesNotReadIsCutOff(t *testing.T) {
	var log lines
	s := serveTCP(t, Options{Cluster: autoCluster(t), Logf: log.logf})
	slow, sender := s.dial(), s.dial()
	slow.send("SUBSCRIBE c\r\n")
	slow.wants("1) \"subscribe\"\n2) \"c\"\n3) (integer) 1")
	publish := packed("PUBLISH", "c", strings.Repeat("x", 512<<10))
	for i := 0; s.Stats().Overrun == 0; i++ {
		if i > 200 {
			t.Fatal("100 MiB of messages wait")
		}
		if held := s.Stats().Held; held > maxUnread+16<<20 {
			t.Fatalf("%d bytes are held", held)
		}
		sender.send(publish)
		if got, err := readReply(sender.r); err != nil || got != "(integer) 1" && got != "(integer) 0" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	eventually(t, "the subscriber is gone, and what waited for it", func() bool { return s.Stats().Clients == 1 && s.Stats().Held < 4<<20 })
	if log.with("has not read") != 1 {
		t.Error("nothing was said of it")
	}
	sender.send("PUBSUB NUMSUB c\r\n")
	sender.wants("1) \"c\"\n2) (integer) 0")
}

func TestWhatWaitsForSubscribersCountsAsHeld(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t), MaxHeld: 4 << 20})
	slow, sender := s.dial(), s.dial()
	slow.send("SUBSCRIBE c\r\n")
	slow.wants("1) \"subscribe\"\n2) \"c\"\n3) (integer) 1")
	publish := packed("PUBLISH", "c", strings.Repeat("x", 64<<10))
	for i := 0; s.Stats().Overheld == 0; i++ {
		if i > 1000 {
			t.Fatal("64 MiB of messages wait")
		}
		sender.send(publish)
		if _, err := readReply(sender.r); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the subscriber is gone", func() bool { return s.Stats().Clients == 1 })
}

func TestASlowSubscriberGetsAllThatIsBelowTheBound(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	slow, sender := s.dial(), s.dial()
	slow.send("SUBSCRIBE c\r\n")
	slow.wants("1) \"subscribe\"\n2) \"c\"\n3) (integer) 1")
	payload := strings.Repeat("x", 1<<10)
	const n = 7 << 10
	for range n {
		sender.send(packed("PUBLISH", "c", payload))
		sender.wants("(integer) 1")
	}
	for range n {
		slow.wants("1) \"message\"\n2) \"c\"\n3) \"" + payload + "\"")
	}
	slow.send("PING\r\n")
	slow.wants("1) \"pong\"\n2) \"\"")
}

func TestMonitorShowsWhatOthersSend(t *testing.T) {
	now := time.Unix(1700000000, 123456789)
	s := serveTCP(t, Options{Cluster: autoCluster(t), Now: func() time.Time { return now }, Password: []byte("sesame")})
	watcher, u := s.dial(), s.dial()
	watcher.send("AUTH sesame\r\nMONITOR\r\n")
	watcher.wants("OK", "OK")
	u.send("AUTH default sesame\r\nHELLO 2 AUTH default sesame SETNAME x\r\nINCR k\r\nFOO\r\nCLIENT LIST ID 99\r\n" + packed("GET", "a\"\\\n\x01\xff"))
	from := "1700000000.123456 [0 " + u.LocalAddr().String() + "] "
	watcher.wants(from+`"AUTH" "(redacted)" "(redacted)"`, from+`"HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "x"`,
		from+`"INCR" "k"`, from+`"GET" "a\"\\\n\x01\xff"`)
	watcher.send("GET k\r\nMONITOR\r\nRESET\r\nPING\r\n")
	watcher.wants("(error) ERR Replica can't interact with the keyspace", "RESET", "(error) NOAUTH Authentication required.")
	u.send("INCR k\r\n")
	watcher.send("AUTH sesame\r\n")
	watcher.wants("OK")
	if n := s.door.monitors.Load(); n != 0 {
		t.Errorf("%d connections monitor", n)
	}
}

func TestNothingIsLeftOfSubscribersThatHaveGone(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	for range 20 {
		u := s.dial()
		u.send("HELLO 3\r\nSUBSCRIBE a b\r\nPSUBSCRIBE a*\r\nSSUBSCRIBE c\r\nMONITOR\r\nPUBLISH a x\r\n")
		u.Close()
	}
	eventually(t, "all are gone", func() bool { return s.Stats().Clients == 0 })
	board := &s.door.switchboard
	board.mu.Lock()
	defer board.mu.Unlock()
	for k := range kinds {
		if n := len(board.listeners[k]); n != 0 {
			t.Errorf("%d names of kind %d are left", n, k)
		}
	}
	if len(board.monitors) != 0 || board.patternBytes != 0 || s.Stats().Held != 0 {
		t.Errorf("%d monitors, %d bytes of patterns, %d bytes are left", len(board.monitors), board.patternBytes, s.Stats().Held)
	}
}

func TestSubscriptionsHaveBounds(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	last := func() string { all := formatAll(t, c.replies()); return all[len(all)-1] }
	c.send("SUBSCRIBE " + strings.Repeat("x", maxChannel+1) + "\r\n")
	if got := last(); got != "(error) ERR the name of a channel, or a pattern, may have 2048 bytes" {
		t.Error(got)
	}
	many := []string{"PSUBSCRIBE"}
	for i := range maxPatternBytes / maxChannel {
		many = append(many, strings.Repeat("x", maxChannel-2)+fmt.Sprintf("%02d", i))
	}
	c.send(packed(append(many, "y")...))
	if got := last(); got != "(error) ERR too many patterns: those of all connections of this node may have 65536 bytes together" {
		t.Error(got)
	}
	many = []string{"SUBSCRIBE"}
	for i := range maxSubscriptions {
		many = append(many, fmt.Sprint(i))
	}
	c.send(packed(append(many, "more")...))
	if got := last(); got != "(error) ERR too many subscriptions: a connection may have 4096 of each kind" {
		t.Error(got)
	}
}

func TestClientsAreListedAndKilled(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	first, second, listener := s.dial(), s.dial(), s.dial()
	first.send("CLIENT SETNAME one\r\nCLIENT SETINFO lib-name lib\r\n")
	first.wants("OK", "OK")
	second.send("CLIENT ID\r\n")
	second.wants("(integer) 2")
	listener.send("SUBSCRIBE a\r\nPSUBSCRIBE a b\r\n")
	for range 3 {
		if _, err := readReply(listener.r); err != nil {
			t.Fatal(err)
		}
	}
	first.send("CLIENT LIST\r\n")
	list, err := readReply(first.r)
	for _, want := range []string{
		`"id=1 addr=` + first.LocalAddr().String() + ` laddr=` + s.addr + ` fd=-1 name=one age=0 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 `,
		` cmd=client|list user=default redir=-1 resp=2 lib-name=lib lib-ver=\n`, `\nid=2 `, ` cmd=client|id `, `\nid=3 `, `flags=P db=0 sub=1 psub=2`,
	} {
		if !strings.Contains(list, want) {
			t.Errorf("the list has no %q in it: %s, %v", want, list, err)
		}
	}
	first.send("CLIENT LIST ID 2 99\r\nCLIENT LIST TYPE pubsub\r\nCLIENT INFO\r\n")
	for _, id := range []string{"2", "3", "1"} {
		if got, _ := readReply(first.r); !strings.HasPrefix(got, `"id=`+id+" ") || strings.Count(got, "id=") != 1 {
			t.Errorf("got %s, want client %s", got, id)
		}
	}
	first.send("CLIENT KILL TYPE pubsub\r\nCLIENT KILL " + second.LocalAddr().String() + "\r\n")
	first.wants("(integer) 1", "OK")
	listener.wantsEnd()
	second.wantsEnd()
	first.send("CLIENT KILL ID 1\r\nCLIENT KILL ID 1 SKIPME no\r\nPING\r\n")
	first.wants("(integer) 0", "(integer) 1")
	first.wantsEnd()
}

func TestManyClientsMayListAndPublishAtOnce(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	var group sync.WaitGroup
	for range 8 {
		u := s.dial()
		group.Go(func() {
			const rounds = 50
			u.send(strings.Repeat("HELLO 3\r\nSUBSCRIBE a\r\nCLIENT LIST\r\nPUBLISH a x\r\nINCR k\r\nCLIENT KILL TYPE master\r\nUNSUBSCRIBE\r\n", rounds))
			for n := 0; n < rounds; {
				got, err := readReply(u.r)
				if err != nil {
					t.Error(err)
					return
				}
				if strings.Contains(got, "unsubscribe") {
					n++
				}
			}
		})
	}
	group.Wait()
}

func TestAPasswordIsAskedFor(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t), Password: []byte("sesame")})
	u := s.dial()
	const noauth = "(error) NOAUTH Authentication required."
	const wrong = "(error) WRONGPASS invalid username-password pair or user is disabled."
	u.send("PING\r\nINCR a\r\nTRUECOUNT STATUS\r\nAUTH x\r\nAUTH other sesame\r\nHELLO 3 AUTH default x\r\nPING\r\n")
	u.wants(noauth, noauth, noauth, wrong, wrong, wrong, noauth)
	u.send("HELLO 3\r\n")
	u.wants("(error) NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option " +
		"can be used to authenticate the client and select the RESP protocol version at the same time")
	u.send("AUTH sesame\r\nPING\r\nAUTH x\r\nPING\r\nRESET\r\nPING\r\n")
	u.wants("OK", "PONG", wrong, "PONG", "RESET", noauth)
	u.send("AUTH sesame\r\n" + packed("ECHO", strings.Repeat("x", strictBulk+1))) // in one go
	u.wants("OK", `"`+strings.Repeat("x", strictBulk+1)+`"`)
	for input, reason := range map[string]string{"*11\r\n": "multibulk", "*2\r\n$16385\r\n": "bulk"} {
		u := s.dial()
		u.send(input)
		u.wants("(error) ERR Protocol error: unauthenticated " + reason + " length")
		u.wantsEnd()
	}
	u = s.dial()
	u.send("QUIT\r\n")
	u.wants("OK")
}

func TestHalfACommandIsNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lines
		cluster := newTestCluster(t)
		cluster.auto = true
		s := NewServer(Options{Cluster: cluster, Logf: log.logf})
		l := newPipeListener()
		go s.Serve(l)
		dial := func() (net.Conn, *bufio.Reader) { c := l.dial(); return c, bufio.NewReader(c) }
		start := time.Now()
		half, halfReplies := dial()
		trickle, replies := dial()
		idle, idleReplies := dial()
		defer idle.Close()
		go io.WriteString(half, "PING\r\n*2\r\n$4\r\nINCR\r\n")
		if got, err := readReply(halfReplies); got != "PONG" {
			t.Fatal(got, err)
		}
		go func() {
			for _, c := range packed("INCR", "a") {
				_, _ = trickle.Write([]byte{byte(c)})
				time.Sleep(halfPatience / 2)
			}
		}()
		if _, err := halfReplies.ReadByte(); err == nil {
			t.Error("half a command is answered")
		}
		if took := time.Since(start); took < halfPatience || took > halfPatience+2*quietAfter {
			t.Errorf("it took %v", took)
		}
		if got, err := readReply(replies); got != "(integer) 1" {
			t.Error(got, err)
		}
		time.Sleep(time.Hour)
		go io.WriteString(idle, "PING\r\n")
		if got, err := readReply(idleReplies); got != "PONG" {
			t.Error("who is between two commands is cut off, too:", got, err)
		}
		if s.Stats().Half != 1 || log.with("in the middle of a command") != 1 {
			t.Errorf("counted: %d, said: %d", s.Stats().Half, log.with("in the middle of a command"))
		}
		s.Close()
		cluster.answers.Wait()
	})
}
