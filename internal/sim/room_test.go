package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/truecount/truecount/fsm"
)

// What is used is not in an image, but summed up anew: were a replica's sum another one, it would refuse what the others apply.
func TestGroupsAreRefusedForWantOfRoomAsAWholeAndAlikeUnderChaos(t *testing.T) {
	eachTrouble(t, func(r *troubled) {
		r.must(fsm.LimitOp(fsm.Limits{Bytes: 20_000, Keys: 60}))
		var refused, stored, unique atomic.Int64
		r.suffer(func(_ int, rng *rand.Rand) {
			value := fmt.Sprint(unique.Add(1), strings.Repeat("-", rng.IntN(800)))
			key := func() string { return fmt.Sprintf("key-%d", rng.IntN(80)) }
			switch rng.IntN(6) {
			case 0:
				r.group(rng, fsm.Strong, nil, op(fsm.Delete, key(), 0), op(fsm.Delete, key(), 0))
				return
			case 1:
				if a, ok := r.group(rng, fsm.Strong, nil, gets("one", "other")...); ok && text(a.Results[0].Value) != text(a.Results[1].Value) {
					r.fail("of a group, half was refused: one is %.12q, the other %.12q", text(a.Results[0].Value), text(a.Results[1].Value))
				}
				return
			}
			a, ok := r.group(rng, fsm.Strong, nil, set("one", value, 0), set(key(), "1", 1+rng.Int64N(300)), move(fsm.Copy, "one", key(), fsm.XX),
				add(key()+"-sum", "0.1"), set("other", value, 0))
			switch {
			case !ok:
			case full(a) == len(a.Results):
				refused.Add(1)
			case full(a) == 0:
				stored.Add(1)
			default:
				r.fail("of a group, %d Ops of %d were refused for want of room", full(a), len(a.Results))
			}
		})
		t.Logf("%d stored, %d refused", stored.Load(), refused.Load())
		if stored.Load() < 5 || refused.Load() < 5 {
			t.Error("such a run proves nothing")
		}
	})
}

// full counts the Ops that were refused for want of room.
func full(a Answer) (n int) {
	for _, result := range a.Results {
		if result.Code == fsm.FullBytes || result.Code == fsm.FullKeys {
			n++
		}
	}
	return n
}
