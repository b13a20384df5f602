package resp

import (
	"bufio"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// differ has the same talks with our sessions, in front of a machine, and with a real Redis.
type differ struct {
	t       *testing.T
	cluster *testCluster
	door    *door
	dial    func() net.Conn
	seen    map[string]int // differences on purpose, by their reason
}

func newDiffer(t *testing.T) *differ {
	// One database, as we have; and so few bytes in an argument.
	dial := startRedis(t, "--databases", "1", "--proto-max-bulk-len", "1mb")
	d := &differ{t: t, cluster: newTestCluster(t), dial: dial, seen: map[string]int{}}
	d.door = newDoor(&Options{Cluster: d.cluster, Version: "test", Now: func() time.Time { return time.UnixMilli(d.cluster.now) }})
	return d
}

// moment is what a remark has led to: what each client has received, and whether it was disconnected.
type moment struct {
	ours, theirs [maxSpeakers][]frame
	what         string // how they differ; empty: not
}

// last is the remark that ends every talk.
func last(who int) remark {
	return remark{who: who, bytes: "QUIT\r\n", words: [][]string{{"quit"}}}
}

// run has a talk with both, up to a difference. The moments are those of the remarks that were made; the last one differs if
// any does.
func (d *differ) run(t talk) (moments []moment, differs bool) {
	d.cluster.now, d.cluster.history = time.Now().UnixMilli(), nil
	speakers := 1
	for _, r := range t {
		speakers = max(speakers, r.who+1)
	}
	us, them := make([]*client, speakers), make([]*redisTalk, speakers)
	for i := range speakers {
		us[i], them[i] = d.client(), newRedisTalk(d.dial())
		defer us[i].session.end()
		defer them[i].conn.Close()
	}
	d.clear(us[0], them[0])
	judge := &judge{seen: d.seen, times: map[string]bool{}}
	for i := range speakers {
		t = append(t[:len(t):len(t)], last(i))
	}
	for _, r := range t {
		if us[r.who].session.closing {
			moments = append(moments, moment{})
			continue
		}
		judge.hears(r)
		if r.words == nil && judge.muted[r.who] { // Redis would wait, with nothing to say
			return moments, false
		}
		m := d.exchange(r, us, them, judge.muted[r.who])
		verdict := judge.compare(r, &m)
		moments = append(moments, m)
		if verdict != equal {
			return moments, verdict == different
		}
		if speakers > 1 && len(m.ours[r.who]) == 0 && r.words != nil { // nobody knows when Redis has done it, so what others see is open
			return moments, false
		}
	}
	return moments, false
}

// exchange makes one remark to both, and reads from Redis what we have answered; where it answers less, the rest is not there.
// A Redis that was muted may forget to close the connection, as it has nothing to say.
func (d *differ) exchange(r remark, us []*client, them []*redisTalk, muted bool) (m moment) {
	us[r.who].send(r.bytes)
	for d.cluster.step() {
	}
	if _, err := io.WriteString(them[r.who].conn, r.bytes); err != nil {
		m.what = "Redis has closed the connection"
	}
	for i, u := range us {
		m.ours[i] = frames(d.t, u.replies())
		m.theirs[i] = them[i].read(len(m.ours[i]))
	}
	if who := r.who; us[who].session.closing {
		us[who].session.end()
		if muted {
			return m
		}
		more, end := them[who].rest()
		m.theirs[who] = append(m.theirs[who], more...)
		if !end {
			m.what = "Redis does not close the connection"
		}
	}
	return m
}

func (d *differ) client() *client {
	c := &client{t: d.t, cluster: d.cluster}
	d.door.crowd = testCrowd{c}
	c.session = newSession(d.door, NewReader(Limits{}), 7, func(u *unit) {
		c.session.complete(u)
		c.turns()
	})
	c.session.address = "127.0.0.1:1"
	return c
}

// clean is what undoes all that a talk can leave.
const clean = "FLUSHALL\r\nCONFIG SET timeout 0 maxclients 100 slowlog-max-len 128 latency-tracking yes notify-keyspace-events \"\"\r\nSLOWLOG RESET\r\n"

func (d *differ) clear(us *client, them *redisTalk) {
	us.send(clean)
	for d.cluster.step() {
	}
	_, _ = io.WriteString(them.conn, clean)
	if got, want := them.read(3), frames(d.t, us.replies()); !slices.EqualFunc(got, want, frame.same) {
		d.t.Fatalf("%q: we say %v, Redis %v", clean, want, got)
	}
}

// redisTalk is a connection to Redis.
type redisTalk struct {
	conn net.Conn
	in   *bufio.Reader
}

func newRedisTalk(conn net.Conn) *redisTalk { return &redisTalk{conn, bufio.NewReader(conn)} }

// differPatience is how long Redis is given for a reply; what it has not said by then it won't say.
const differPatience = 2 * time.Second

func (r *redisTalk) read(n int) (all []frame) {
	_ = r.conn.SetReadDeadline(time.Now().Add(differPatience))
	for range n {
		f, err := readFrame(r.in)
		if err != nil {
			return all
		}
		all = append(all, f)
	}
	return all
}

// rest reads up to the end of the connection, and reports whether it came.
func (r *redisTalk) rest() (all []frame, end bool) {
	_ = r.conn.SetReadDeadline(time.Now().Add(differPatience))
	for {
		f, err := readFrame(r.in)
		if err != nil {
			return all, !errors.Is(err, errTimeout)
		}
		all = append(all, f)
	}
}
