package main

import (
	"math/rand/v2"
	"testing"
)

// A fault of which nobody notices anything proves nothing: followers have nothing to say to each other.
func TestEveryCutIsOfALinkOfTheLeader(t *testing.T) {
	for _, nem := range arsenal() {
		k, ok := nem.(cut)
		if !ok {
			continue
		}
		for _, n := range []int{3, 5} {
			if k.kind == "cut-ring" && n == 3 {
				continue
			}
			for seed := range uint64(200) {
				l := int(seed) % n
				chosen, text := k.shape(n, l, rand.New(rand.NewPCG(seed, 0)))
				of, all := 0, 0
				for from := range n {
					for to := range n {
						if from == to || !chosen(from, to) {
							continue
						}
						if all++; from == l || to == l {
							of++
						}
					}
				}
				if of == 0 || all == n*(n-1) {
					t.Fatalf("%s of %d, n%d leads, %s: %d links are cut, %d of them the leader's", k.kind, n, l+1, text, all, of)
				}
			}
		}
	}
}
