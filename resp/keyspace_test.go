package resp

import (
	"bufio"
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

func TestClassesOfNotificationsAreReadAndToldAsRedisDoes(t *testing.T) {
	d := newDoor(&Options{Cluster: newTestCluster(t)})
	for text, want := range map[string]string{
		"": "", "KEA": "AKE", "KEg$xnm": "g$xnKEm", "AKEmn": "AKEm", "g$lshzxetdK": "AK", "dtezhsl$gxnE": "AE", "mn": "nm", "K": "K",
	} {
		if err := d.notifyKeyspaceEvents(text); err != nil || d.keyspaceEvents() != want {
			t.Errorf("%q is told as %q (%v), want %q", text, d.keyspaceEvents(), err, want)
		}
	}
	err := d.notifyKeyspaceEvents("KEq")
	if err == nil || err.Error() != "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." || d.keyspaceEvents() == "KE" {
		t.Errorf("an unknown class is answered %v, and then it is %q", err, d.keyspaceEvents())
	}
}

// notifying is a server with a subscriber to everything.
func notifying(t *testing.T, classes string) (s *served, listener, u *user) {
	s = serveTCP(t, Options{Cluster: autoCluster(t)})
	if err := s.door.notifyKeyspaceEvents(classes); err != nil {
		t.Fatal(err)
	}
	listener, u = s.dial(), s.dial()
	listener.send("PSUBSCRIBE *\r\n")
	listener.wants("1) \"psubscribe\"\n2) \"*\"\n3) (integer) 1")
	return s, listener, u
}

func (u *user) wantsMessages(channelsAndPayloads ...string) {
	u.t.Helper()
	for i := 0; i < len(channelsAndPayloads); i += 2 {
		u.wants("1) \"pmessage\"\n2) \"*\"\n3) \"" + channelsAndPayloads[i] + "\"\n4) \"" + channelsAndPayloads[i+1] + "\"")
	}
}

func TestChangesOfKeysBecomeMessages(t *testing.T) {
	s, listener, u := notifying(t, "KEA")
	u.send("INCR a\r\nSET b x EX 10\r\nDEL a nosuch\r\nGET b\r\nFLUSHALL\r\n")
	listener.wantsMessages("__keyspace@0__:a", "incrby", "__keyevent@0__:incrby", "a",
		"__keyspace@0__:b", "set", "__keyevent@0__:set", "b",
		"__keyspace@0__:b", "expire", "__keyevent@0__:expire", "b",
		"__keyspace@0__:a", "del", "__keyevent@0__:del", "a")
	if err := s.door.notifyKeyspaceEvents("Eg"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := readReply(u.r); err != nil {
			t.Fatal(err)
		}
	}
	u.send("INCR a\r\nEXPIRE a 10\r\n")
	listener.wantsMessages("__keyevent@0__:expire", "a")
	u.wants("(integer) 1", "(integer) 1")
	if err := s.door.notifyKeyspaceEvents(""); err != nil {
		t.Fatal(err)
	}
	u.send("INCR a\r\nPUBLISH c end\r\n") // of the increment nothing is queued, so nothing can come later
	listener.wantsMessages("c", "end")
}

func TestRedisSendsTheSameNotifications(t *testing.T) {
	dial := startRedis(t)
	script := "SET a 1\r\nINCR a\r\nSET b x EX 10\r\nPERSIST b\r\nEXPIRE a 100\r\nDEL a\r\nDEL a\r\nMSET a 1 b 2\r\nSET c x PX 1000 NX GET\r\nSET a 3 NX\r\n" +
		"DECRBY a 2\r\nDECR a\r\nEXPIRE nosuch 10\r\nEXPIRE a -1\r\nPUBLISH c end\r\n"
	_, listener, u := notifying(t, "KEA")
	u.send(strings.TrimSuffix(script, "PUBLISH c end\r\n"))
	redis := newRedisUser(t, dial)
	redis.ask("CONFIG SET notify-keyspace-events KEA", "OK")
	theirs := dial()
	if _, err := theirs.Write([]byte("PSUBSCRIBE *\r\n")); err != nil {
		t.Fatal(err)
	}
	replies := bufio.NewReader(theirs)
	if _, err := readReply(replies); err != nil {
		t.Fatal(err)
	}
	if _, err := redis.conn.Write([]byte(script)); err != nil {
		t.Fatal(err)
	}
	for {
		want, err := readReply(replies)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(want, "end") { // ours may have come in front of the events: they have a goroutine of their own
			return
		}
		got, err := readReply(listener.r)
		if err != nil || got != want {
			t.Fatalf("we send %q (%v), Redis %q", got, err, want)
		}
	}
}

// heldCrowd runs nothing until it is told to.
type heldCrowd struct {
	testCrowd
	waiting []func()
}

func (c *heldCrowd) aside(f func()) { c.waiting = append(c.waiting, f) }

func TestEventsThatComeTooFastAreDroppedAndCounted(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	d := c.session.door
	crowd := &heldCrowd{}
	d.crowd = crowd
	said := 0
	d.keyspace.lost = func() { said++ }
	if err := d.notifyKeyspaceEvents("KA"); err != nil {
		t.Fatal(err)
	}
	c.send("PSUBSCRIBE *\r\n")
	for range maxEvents + 5 {
		d.hear(fsm.Event{Name: "incrby", Key: []byte("k")})
	}
	d.hear(fsm.Event{Name: "flush"})
	if n := d.keyspace.dropped.Load(); n != 5 || len(crowd.waiting) != 1 {
		t.Fatalf("%d are dropped, %d goroutines tell", n, len(crowd.waiting))
	}
	c.replies()
	crowd.waiting[0]()
	if got := strings.Count(c.replies(), "incrby"); got == 0 || said == 0 {
		t.Errorf("%d messages, said %d times", got, said)
	}
}

func TestAnEventIsToldAsWasWantedWhenItHappened(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	d := c.session.door
	crowd := &heldCrowd{}
	d.crowd = crowd
	c.send("CONFIG SET notify-keyspace-events Eg\r\nPSUBSCRIBE *\r\n")
	c.replies()
	d.hear(fsm.Event{Name: "del", Key: []byte("a")})
	if err := d.notifyKeyspaceEvents(""); err != nil {
		t.Fatal(err)
	}
	crowd.waiting[0]()
	c.wants("1) \"pmessage\"\n2) \"*\"\n3) \"__keyevent@0__:del\"\n4) \"a\"")
}

func TestChangesOfInstanceCountersBecomeMessages(t *testing.T) {
	cluster := newTestCluster(t)
	c, listener := newClient(t, cluster), newClient(t, cluster)
	crowd := &heldCrowd{}
	c.session.door.crowd, listener.session.door = crowd, c.session.door
	listener.send("CONFIG SET notify-keyspace-events E$g\r\nPSUBSCRIBE *\r\n")
	listener.replies()
	do := func(command string) {
		c.send(command + "\r\n")
		for cluster.step() {
		}
	}
	do("IC.HEARTBEAT i TTL 3000")
	do("IC.INCRBY k i 5")
	for range 4 { // dies
		cluster.now += 1000
		cluster.stroke()
	}
	do("IC.GET k i")
	do("IC.SET k i 1")
	do("IC.DEL k")
	for _, tell := range crowd.waiting {
		tell()
	}
	var want []string
	for _, name := range []string{"incrby", "park", "return", "set", "del"} {
		want = append(want, "1) \"pmessage\"\n2) \"*\"\n3) \"__keyevent@0__:"+name+"\"\n4) \"k\"")
	}
	listener.wants(want...)
}
