//go:build e2e

package e2e

import "testing"

func TestThreeNodesStartedAtOnceBecomeOneCluster(t *testing.T) {
	c := newCluster(t, 3)
	leader := c.leader(t)
	for _, node := range []*process{c.without(leader)[0], leader} {
		l := startLoad(t, "at-"+node.name, 2, node)
		l.waitAcked(t, 2000)
		l.end()
		l.wantNoErrors(t)
		for key, n := range l.acknowledged(t) {
			c.wantCount(t, key, n)
		}
	}
}

func TestTwoNodesJoinARunningClusterAtOnce(t *testing.T) {
	c := newCluster(t, 1)
	l := startLoad(t, "hits", 2, c[0])
	l.waitAcked(t, 100)
	for _, name := range []string{"n2", "n3"} {
		p := newProcess(t, name, "--join", c[0].resp)
		p.start(t)
		c = append(c, p)
	}
	c.waitVoters(t)
	l.waitAcked(t, 100)
	l.end()
	l.wantNoErrors(t)
	for key, n := range l.acknowledged(t) {
		c.wantCount(t, key, n)
	}
}

// --join is for empty directories. A member ignores it, even if it names nobody.
func TestAMemberIgnoresJoin(t *testing.T) {
	c := newCluster(t, 3)
	if _, err := c[0].client(t).Do("INCR", "hits"); err != nil {
		t.Fatal(err)
	}
	for _, p := range c[1:] {
		p.terminate(t)
		p.start(t)
		p.waitReady(t)
	}
	c.waitWhole(t)
	c[0].flags = []string{"--join", freeAddress(t)}
	c[0].terminate(t)
	c[0].start(t)
	c[0].waitReady(t)
	c.waitWhole(t)
	c.wantCount(t, "hits", 1)
}

// A name belongs to one directory. Its node must be removed before another directory may take it.
func TestANameUnderTwoDirectoriesIsRefused(t *testing.T) {
	c := newCluster(t, 1)
	impostor := newProcess(t, "n1", "--join", c[0].resp, "--log-level", "off")
	impostor.wantStartupError(t, "n1")
	if _, err := c[0].client(t).Do("INCR", "hits"); err != nil {
		t.Fatal(err)
	}
}
