package resp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
)

// survey is what Describe answers on node own of a cluster: "n1* n2 n3-" are three voters of which n1 leads and n3 can't be
// reached, and "r4?" is a non-voter. Without a star nobody could be asked.
func survey(own, members string) fsm.Status {
	st := fsm.Status{ID: own, ServerID: own, RESP: doorOf(own), Peer: "10.0.0.9:17379", Term: 7, Members: []fsm.Member{}}
	led := strings.Contains(members, "*")
	for _, word := range strings.Fields(members) {
		id := strings.TrimRight(word, "*-?")
		reachable := !strings.HasSuffix(word, "-")
		m := fsm.Member{Address: fsm.Address{ID: id, RESP: doorOf(id), Peer: "10.0.0.9:17379"}, ServerID: id,
			Voter: !strings.HasSuffix(word, "?"), Role: fsm.Follower}
		if strings.HasSuffix(word, "*") {
			m.Role = fsm.Leader
		}
		if led {
			m.Reachable = &reachable
		}
		st.Members = append(st.Members, m)
	}
	return st
}

// doorOf is where clients find the node: n3 at 10.0.0.3:7379.
func doorOf(id string) string { return "10.0.0." + id[1:] + ":7379" }

// story is a view and the time in it.
type story struct {
	own  string
	view *view
	now  time.Time
}

func newStory(own string) *story {
	return &story{own: own, view: &view{}, now: time.Unix(1_800_000_000, 0)}
}

// sees lets a while pass in which Describe answers the same.
func (s *story) sees(members string, while time.Duration) *story {
	for end := s.now.Add(while); ; s.now = s.now.Add(viewEvery) {
		s.view = s.view.next(survey(s.own, members), s.now)
		if !s.now.Before(end) {
			return s
		}
	}
}

func (s *story) living() string {
	var ids []string
	for _, p := range s.view.peers {
		if p.alive {
			ids = append(ids, p.id)
		}
	}
	return strings.Join(ids, " ")
}

func (s *story) answer() string {
	p, known := s.view.current()
	if !known {
		return "nobody"
	}
	return p.id
}

func (s *story) wants(t *testing.T, living, answer string) {
	t.Helper()
	if s.living() != living || s.answer() != answer {
		t.Errorf("alive are %q and the answer is %s, want %q and %s", s.living(), s.answer(), living, answer)
	}
}

func TestAMemberIsDeadWhenTheLeaderHasNotReachedItForAWhile(t *testing.T) {
	s := newStory("n2").sees("n1* n2 n3", 0)
	s.sees("n1* n2 n3-", deadAfter-viewEvery)
	s.wants(t, "n1 n2 n3", "n1")
	s.sees("n1* n2 n3-", viewEvery)
	s.wants(t, "n1 n2", "n1")
	s.sees("n1* n2 n3", 0)
	s.wants(t, "n1 n2 n3", "n1")
	s.sees("n1* n2", 0) // removed
	s.wants(t, "n1 n2", "n1")
}

func TestANodeIsAliveToItself(t *testing.T) {
	s := newStory("n2").sees("n1* n2- n3", time.Minute)
	s.wants(t, "n1 n2 n3", "n1")
}

func TestAMemberThatNoLeaderEverReachedIsNotAlive(t *testing.T) {
	s := newStory("n2").sees("n1* n2 n3-", 0)
	s.wants(t, "n1 n2", "n1")
}

func TestWhileNobodyLeadsOnlyTheOldLeaderDies(t *testing.T) {
	s := newStory("n2").sees("n1* n2 n3", 0)
	s.sees("n1 n2 n3", deadAfter-viewEvery)
	s.wants(t, "n1 n2 n3", "n1") // an election is no reason to go elsewhere
	s.sees("n1 n2 n3", viewEvery)
	s.wants(t, "n2 n3", "n2") // what it can't know it does not say
	s.sees("n1 n2 n3", time.Hour)
	s.wants(t, "n2 n3", "n2")
}

func TestTheMasterStaysWhenAnotherLeads(t *testing.T) {
	s := newStory("n2").sees("n1* n2 n3", time.Second)
	s.sees("n1 n2 n3", 2*viewEvery)
	s.sees("n1 n2 n3*", time.Minute)
	s.wants(t, "n1 n2 n3", "n1")
}

func TestTheMasterIsTheLeaderWhenTheOldOneIsDead(t *testing.T) {
	s := newStory("n2").sees("n1* n2 n3", time.Second)
	s.sees("n1 n2 n3", 2*viewEvery)
	s.sees("n1- n2 n3*", deadAfter)
	s.wants(t, "n2 n3", "n3")
	s.sees("n1 n2 n3*", time.Minute) // and stays it when the old one is back
	s.wants(t, "n1 n2 n3", "n3")
	s.sees("n1 n2*", 0) // or removed
	s.wants(t, "n1 n2", "n2")
}

func TestAMasterWithAnotherAddressIsTheSame(t *testing.T) {
	s := newStory("n2").sees("n1* n2", 0)
	st := survey("n2", "n1* n2")
	st.Members[0].RESP = "[2001:db8::1]:7"
	s.view = s.view.next(st, s.now)
	if m, _ := s.view.current(); m.id != "n1" || m.host != "2001:db8::1" || m.port != 7 {
		t.Errorf("the master is %+v", m)
	}
}

func TestALeaderThatHasNotSaidWhereItIsIsWaitedFor(t *testing.T) {
	s := newStory("n2")
	st := survey("n2", "n1* n2 n3")
	st.Members[0].RESP = "" // it joined, or was founded, a moment ago
	s.view = s.view.next(st, s.now)
	s.wants(t, "n2 n3", "nobody")
	s.sees("n1* n2 n3", 0)
	s.wants(t, "n1 n2 n3", "n1")
}

func TestANodeThatNeverHeardOfALeaderAnswersNobody(t *testing.T) {
	s := newStory("n2").sees("n1 n2 n3", time.Minute)
	s.wants(t, "", "nobody")
}

func TestAViewOutlivesANodeThatIsOpenedAnew(t *testing.T) {
	s := newStory("n2").sees("n1* n2 n3", time.Second)
	s.view = s.view.next(fsm.Status{RESP: doorOf("n2"), Members: []fsm.Member{}}, s.now)
	s.wants(t, "n1 n2 n3", "n1")
}

// ownersOf is the owner of each slot; it fails if a slot has none, or two.
func ownersOf(t *testing.T, v *view) (owners [slotCount]string) {
	t.Helper()
	next := 0
	for _, r := range v.slots() {
		if r.first != next || r.last < r.first {
			t.Fatalf("a range from %d to %d, want one from %d", r.first, r.last, next)
		}
		for ; next <= r.last; next++ {
			owners[next] = r.owner.id
		}
	}
	if next != slotCount {
		t.Fatalf("the last slot is %d", next-1)
	}
	return owners
}

func TestSlotsAreSpreadEvenlyAndMoveOnlyWhenTheirOwnerDies(t *testing.T) {
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	for range 300 {
		n := 1 + random.IntN(9)
		var v view
		for i := range n {
			v.peers = append(v.peers, peer{id: fmt.Sprintf("n%d", i), voter: true, alive: random.IntN(3) > 0})
		}
		v.own = v.peers[random.IntN(n)]
		before := ownersOf(t, &v)
		living := slices.DeleteFunc(slices.Clone(v.peers), func(p peer) bool { return !p.alive })
		share := map[string]int{}
		for _, owner := range before {
			share[owner]++
		}
		for _, p := range living {
			if ideal := slotCount / len(living); share[p.id] < ideal-2*n || share[p.id] > ideal+2*n {
				t.Errorf("%d of %d live: %s has %d slots", len(living), n, p.id, share[p.id])
			}
		}
		if len(living) < 2 {
			continue
		}
		victim := living[random.IntN(len(living))].id
		v.peers = slices.Clone(v.peers)
		v.peers[find(v.peers, victim)].alive = false
		moved := 0
		for slot, owner := range ownersOf(t, &v) {
			if owner == victim {
				t.Fatalf("slot %d is with %s, which is dead", slot, victim)
			}
			if owner != before[slot] && before[slot] != victim {
				moved++
			}
		}
		// A part that another dead one left is divided anew; a part of one that lives never moves.
		if dead := n - len(living); moved > slotCount*dead/n {
			t.Errorf("%s died, the %d. of %d, and %d slots of others moved", victim, dead+1, n, moved)
		}
	}
}

func TestSlotsAreTheSameOnEveryNode(t *testing.T) {
	var first [slotCount]string
	for i, own := range []string{"n1", "n2", "r4"} {
		s := newStory(own).sees("n1* n2 n3 r4?", 0).sees("n3- n1* r4? n2", deadAfter)
		owners := ownersOf(t, s.view)
		if i == 0 {
			first = owners
		}
		if owners != first {
			t.Errorf("%s sees other owners than n1", own)
		}
		if slices.Contains(owners[:], "r4") {
			t.Errorf("a non-voter owns slots")
		}
	}
}

// The slots are those of CLUSTER KEYSLOT of a genuine Redis.
func TestKeysHaveTheSlotsOfRedisCluster(t *testing.T) {
	for key, want := range map[string]int{
		"": 0, "foo": 12182, "{}x": 10595, "123456789": 0x31c3 % slotCount,
		"{user1000}.following": keySlot([]byte("user1000")), "foo{bar}{zap}": keySlot([]byte("bar")),
		"foo{{bar}}zap": keySlot([]byte("{bar")), "open{tag": keySlot([]byte("open{tag")),
	} {
		if got := keySlot([]byte(key)); got != want {
			t.Errorf("slot of %q is %d, want %d", key, got, want)
		}
	}
}
