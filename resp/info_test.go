package resp

import (
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

// headings are the sections that INFO has with these arguments.
func (c *client) headings(args string) string {
	c.t.Helper()
	var list []string
	for line := range strings.SplitSeq(c.infoOf(args), "\r\n") {
		if name, found := strings.CutPrefix(line, "# "); found {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

func TestInfoHasTheSectionsThatAreAskedFor(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	const all = "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats Latencystats Cluster Keyspace Raft Truecount"
	few := strings.NewReplacer("Commandstats ", "", "Latencystats ", "").Replace(all)
	for args, want := range map[string]string{
		"":                             few,
		"default":                      few,
		"ALL":                          all,
		"everything":                   all,
		"nosuch":                       "",
		"cpu CPU Cpu":                  "CPU",
		"keyspace server nosuch":       "Server Keyspace",
		"default commandstats":         few[:strings.Index(few, "Errorstats")] + "Commandstats " + few[strings.Index(few, "Errorstats"):],
		"all default cpu commandstats": all,
	} {
		if got := c.headings(args); got != want {
			t.Errorf("INFO %s has %q, want %q", args, got, want)
		}
	}
}

func TestTheOtherMembersAreShownAsReplicas(t *testing.T) {
	cluster := newTestCluster(t)
	far, lag := false, uint64(3)
	for i, address := range []string{"10.0.0.1:7379", "10.0.0.2:7379", "[::1]:7380", ""} {
		cluster.status.Members[i].RESP = address
	}
	cluster.status.CommitIndex = 10
	cluster.status.Members[1].Lag = &lag
	cluster.status.Members[2].Reachable = &far
	cluster.status.Leader = &fsm.Address{ID: "n1", RESP: "10.0.0.1:7379"}
	c := newClient(t, cluster)
	c.wantsInfo("replication", "role:master", "connected_slaves:2", "slave0:ip=10.0.0.2,port=7379,state=online,offset=7,lag=3",
		"slave1:ip=::1,port=7380,state=offline,offset=1,lag=0")
	c.wantsInfo("raft", "state:leader", "leader:n1", "leader_address:10.0.0.1:7379", "voters:3", "peers:3",
		"peer0:id=n2,addr=,voter=true,lag=3", "peer1:id=n3,addr=,voter=true,reachable=false", "peer2:id=n4,addr=,voter=false")
	c.send("ROLE\r\n")
	c.wants("1) \"master\"\n2) (integer) 1\n3) 1) 1) \"10.0.0.2\"\n      2) \"7379\"\n      3) \"7\"\n   2) 1) \"::1\"\n      2) \"7380\"\n      3) \"1\"")
}

func TestReadsCountWhatTheyFind(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("SET a 1\r\nGET a\r\nGET b\r\nMGET a b c\r\nSET d 1 GET\r\n")
	for cluster.step() {
	}
	c.wantsInfo("stats", "keyspace_hits:2", "keyspace_misses:4")
	c.send("CONFIG RESETSTAT\r\n")
	c.wantsInfo("stats", "keyspace_hits:0", "keyspace_misses:0")
}

func TestExpiredKeysAreCountedSinceTheReset(t *testing.T) {
	cluster := newTestCluster(t)
	cluster.status.Expired = 3
	c := newClient(t, cluster)
	c.wantsInfo("stats", "expired_keys:3")
	c.send("CONFIG RESETSTAT\r\n")
	c.wantsInfo("stats", "expired_keys:0")
	cluster.status.Expired = 5
	c.wantsInfo("stats", "expired_keys:2")
}

func TestBytesAreWrittenForPeopleAsRedisDoes(t *testing.T) {
	for n, want := range map[uint64]string{0: "0B", 1023: "1023B", 1024: "1.00K", 104857600: "100.00M", 25276502016: "23.54G", 1 << 62: "4096.00P"} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestWhatIsToldHasItsTypeInProtocol3(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.session.out.protocol = protocol3
	for command, want := range map[string]string{
		"INFO cluster":               "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n",
		"CONFIG GET save":            "%1\r\n$4\r\nsave\r\n$0\r\n\r\n",
		"COMMAND DOCS nosuch":        "%0\r\n",
		"COMMAND INFO echo nosuch":   "*2\r\n*10\r\n$4\r\necho\r\n:2\r\n~1\r\n+fast\r\n:0\r\n:0\r\n:0\r\n~2\r\n+@fast\r\n+@connection\r\n~0\r\n~0\r\n~0\r\n_\r\n",
		"LATENCY HISTOGRAM lastsave": "%0\r\n",
	} {
		c.send(command + "\r\n")
		if got := c.replies(); got != want {
			t.Errorf("%s is answered %q, want %q", command, got, want)
		}
	}
	c.send("LASTSAVE\r\n")
	c.replies()
	c.send("LATENCY HISTOGRAM lastsave\r\n")
	want := "%1\r\n$8\r\nlastsave\r\n%2\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n%1\r\n:1\r\n:1\r\n"
	if got := c.replies(); got != want {
		t.Errorf("LATENCY HISTOGRAM is answered %q, want %q", got, want)
	}
}
