package resp

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/truecount/truecount/fsm"
)

// Facade is the face that a Server shows to clients which look for another node when theirs has died. Behind each of them any
// node takes any command: nobody is ever sent elsewhere.
type Facade string

// The facades. With none, clients have to be given addresses: several, or that of a proxy.
const (
	NoFacade       Facade = ""
	SentinelFacade Facade = "sentinel" // every node is a Sentinel, and one of them "the master"
	ClusterFacade  Facade = "cluster"  // every live voter owns slots
)

const (
	// viewEvery is how often a door asks who is alive.
	viewEvery = 200 * time.Millisecond
	// deadAfter is how long a member may be out of the leader's reach before clients are told of others: long enough for one
	// election, and for a member that missed a question or two. Clients close good connections when they are told too soon.
	deadAfter = 800 * time.Millisecond

	defaultMasterName = "mymaster" // in examples everywhere
)

// facade is what a door knows and does for its Facade. It does nothing at all for NoFacade.
type facade struct {
	kind       Facade
	cluster    Cluster
	masterName string                            // what Sentinel's clients call the cluster
	publish    func(channel, message []byte) int // to the subscribers of this node
	seen       atomic.Pointer[view]              // never nil
}

func newFacade(o *Options) *facade {
	f := &facade{kind: o.Facade, cluster: o.Cluster, masterName: o.MasterName}
	if f.masterName == "" {
		f.masterName = defaultMasterName
	}
	f.publish = func([]byte, []byte) int { return 0 }
	f.seen.Store(&view{})
	return f
}

// mode is what HELLO and INFO call the kind of this server. (A Sentinel that is the master, too, is "standalone".)
func (f *facade) mode() string {
	if f.kind == ClusterFacade {
		return "cluster"
	}
	return "standalone"
}

// clusterEnabled is what INFO says: 1 if clients may speak the Redis Cluster protocol. They need not: any node takes any key.
func (f *facade) clusterEnabled() int {
	if f.kind == ClusterFacade {
		return 1
	}
	return 0
}

// families are the commands that there are behind this facade.
func (f *facade) families() []family {
	return slices.DeleteFunc(families(), func(of family) bool {
		return of.title == sentinelTitle && f.kind != SentinelFacade
	})
}

// watch keeps the view until stop is closed.
func (f *facade) watch(stop <-chan struct{}) {
	tick := time.NewTicker(viewEvery)
	defer tick.Stop()
	for {
		told := make(chan fsm.Status, 1)
		f.cluster.Describe(func(st fsm.Status) { told <- st })
		select {
		case st := <-told:
			f.learn(st, time.Now())
		case <-stop:
			return
		}
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}

// learn takes the next view and tells subscribers when the master is another one.
func (f *facade) learn(st fsm.Status, now time.Time) {
	before := f.seen.Load()
	after := before.next(st, now)
	f.seen.Store(after)
	from, to := before.master, after.master
	if f.kind != SentinelFacade || from.id == "" || from.host == to.host && from.port == to.port {
		return
	}
	f.publish([]byte("+switch-master"),
		fmt.Appendf(nil, "%s %s %d %s %d", f.masterName, from.host, from.port, to.host, to.port))
}
