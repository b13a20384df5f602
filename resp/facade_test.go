package resp

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

// facadeClient is a client of node n2 behind a facade.
func facadeClient(t *testing.T, kind Facade) *client {
	cluster := newTestCluster(t)
	cluster.status.ServerID = "n2"
	c := &client{t: t, cluster: cluster}
	c.session = newSession(newDoor(&Options{Cluster: cluster, Facade: kind, Version: "test"}), NewReader(Limits{}), 7, func(u *unit) {
		c.session.complete(u)
		c.turns()
	})
	return c
}

// A script of testdata/facade is one of testdata, of node n2, with lines "! sees MEMBERS" for what its door learns (see survey)
// for a second from then on.
func TestConversationsBehindAFacadeHaveTheRecordedAnswers(t *testing.T) {
	for _, kind := range []Facade{SentinelFacade, ClusterFacade} {
		path := "testdata/facade/" + string(kind) + ".txt"
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		exchanges, tail, _ := parseScript(string(text))
		c, story := facadeClient(t, kind), newStory("n2")
		facade := c.session.door.facade
		facade.publish = func(channel, message []byte) int {
			t.Logf("%s %s", channel, message)
			return 0
		}
		var rewritten strings.Builder
		for _, e := range exchanges {
			for line := range strings.Lines(e.comment) {
				if members, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "! sees "); ok {
					for end := story.now.Add(time.Second); story.now.Before(end); story.now = story.now.Add(viewEvery) {
						facade.learn(survey("n2", members), story.now)
					}
				}
			}
			c.send(e.command + "\r\n")
			for c.cluster.step() {
			}
			got := strings.Join(formatAll(t, c.replies()), "\n")
			if got != e.answer && !*update {
				t.Errorf("%s, line %d: %s\ngot\n%s\nwant\n%s", path, e.line, e.command, got, e.answer)
			}
			rewritten.WriteString(e.comment + "> " + e.command + "\n" + got + "\n")
		}
		if *update {
			if err := os.WriteFile(path, []byte(rewritten.String()+tail), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAMemberIsForgottenByItsRedisClusterID(t *testing.T) {
	c := facadeClient(t, ClusterFacade)
	c.session.door.facade.learn(survey("n2", "n1* n2 n3"), time.Now())
	c.send("CLUSTER FORGET " + nodeID("n3") + "\r\n")
	c.cluster.step()
	c.wants("OK")
	if want := []fsm.Change{{Kind: fsm.ChangeRemove, Target: "n3"}}; !slices.Equal(c.cluster.changes, want) {
		t.Errorf("asked for %+v, want %+v", c.cluster.changes, want)
	}
}

// changingCluster is a Cluster that describes itself as a test says.
type changingCluster struct {
	Cluster
	mu      sync.Mutex
	members string
	deaf    bool // Describe never answers
}

func (c *changingCluster) set(members string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members = members
}

func (c *changingCluster) Describe(done func(fsm.Status)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.deaf {
		members := c.members
		go done(survey("n2", members))
	}
}

func TestSubscribersHearOfAnotherMasterSoonAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := &changingCluster{members: "n1* n2 n3"}
		f := newFacade(&Options{Cluster: cluster, Facade: SentinelFacade, MasterName: "counters"})
		var said []string
		f.publish = func(channel, message []byte) int {
			said = append(said, string(channel)+": "+string(message))
			return 1
		}
		stop, ended := make(chan struct{}), make(chan struct{})
		go func() { f.watch(stop); close(ended) }()
		pass := func(members string, d time.Duration, want ...string) {
			t.Helper()
			cluster.set(members)
			time.Sleep(d)
			synctest.Wait()
			if !slices.Equal(said, want) {
				t.Errorf("with %q it said %q, want %q", members, said, want)
			}
			said = nil
		}
		pass("n1* n2 n3", time.Second)
		pass("n1 n2 n3", 500*time.Millisecond)
		pass("n1 n2 n3*", time.Minute)
		pass("n1- n2 n3*", 1100*time.Millisecond, "+switch-master: counters 10.0.0.1 7379 10.0.0.3 7379")
		pass("n1- n2 n3*", time.Minute)
		pass("n1 n2 n3*", time.Minute)
		pass("n1 n2*", 300*time.Millisecond, "+switch-master: counters 10.0.0.3 7379 10.0.0.2 7379")
		close(stop)
		<-ended
	})
}

func TestAFacadeEndsWhileItWaitsForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFacade(&Options{Cluster: &changingCluster{deaf: true}, Facade: ClusterFacade})
		stop, ended := make(chan struct{}), make(chan struct{})
		go func() { f.watch(stop); close(ended) }()
		time.Sleep(time.Second)
		close(stop)
		<-ended
	})
}
