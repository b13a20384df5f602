package fsm

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// playSeeds plays random histories side by side, each of a seed of its own; or all of SEED, if that is set. play returns how often it
// has met what. What a history may miss by chance is wanted of all together, once for each on average: more are played until it was met
// as often, but not for ever.
func playSeeds(t *testing.T, runs int, play func(t *testing.T, seed uint64) (seen map[string]int), wanted ...string) {
	t.Helper()
	t.Parallel()
	const most = 10 // times
	text, given := os.LookupEnv("SEED")
	seed, err := strconv.ParseUint(text, 10, 64)
	if given && err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	met := map[string]int{}
	missing := func(what string) bool { return met[what] < runs }
	for times := range most {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			for range runs {
				seed := seed
				if !given {
					seed = rand.Uint64()
				}
				t.Run(fmt.Sprintf("SEED=%d", seed), func(t *testing.T) {
					t.Parallel()
					seen := play(t, seed)
					mu.Lock()
					defer mu.Unlock()
					for what, count := range seen {
						met[what] += count
					}
				})
			}
		})
		if given || t.Failed() || !slices.ContainsFunc(wanted, missing) {
			return
		}
	}
	t.Errorf("of %q not all was met: %v", wanted, met)
}
