package sim

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
)

// bank is accounts between which clients transfer amounts under WATCH: what they read, they may rely on.
type bank struct {
	*troubled
	ledger
	accounts []string
	noting   sync.Mutex // guards byMark
	byMark   map[string]transfer
}

type transfer struct {
	from, to int
	amount   int64
}

const deposit = 100 // in each account at the beginning

func TestTransfersUnderWatchHappenOnceOrNotAtAllUnderChaos(t *testing.T) {
	eachTrouble(t, func(r *troubled) {
		b := &bank{troubled: r, byMark: map[string]transfer{}}
		for i := range 8 {
			b.accounts = append(b.accounts, fmt.Sprintf("account-%d", i))
			r.must(set(b.accounts[i], fmt.Sprint(deposit), 0))
		}
		n := make([]int, troubledClients)
		r.suffer(func(client int, rng *rand.Rand) {
			if n[client]++; n[client]%4 == 0 {
				b.audit(rng)
				return
			}
			b.transfer(fmt.Sprintf("transfer-%d-%d", client, n[client]), rng)
		})
		b.close()
	})
}

// audit reads all accounts in one group: at any level it sees one moment.
func (b *bank) audit(rng *rand.Rand) {
	a, ok := b.group(rng, []fsm.Level{fsm.Strong, fsm.Stale, fsm.Attempt}[rng.IntN(3)], nil, gets(b.accounts...)...)
	if !ok || a.Results[len(a.Results)-1].Value.Kind == fsm.Nil { // a replica so stale that not all have been opened
		return
	}
	sum := int64(0)
	for i := range a.Results {
		sum += a.int(i)
		if a.int(i) < 0 {
			b.fail("%s is at %d: it was read before the transfer, which must not have been applied then", b.accounts[i], a.int(i))
		}
	}
	if want := int64(deposit * len(b.accounts)); sum != want {
		b.fail("the accounts hold %d, %d were paid in", sum, want)
	}
}

func (b *bank) transfer(mark string, rng *rand.Rand) {
	from, to := rng.IntN(len(b.accounts)), rng.IntN(len(b.accounts)-1)
	if to >= from {
		to++
	}
	keys := []string{b.accounts[from], b.accounts[to]}
	read, ok := b.group(rng, fsm.Strong, nil, append([]fsm.Op{{Kind: fsm.Version}}, gets(keys...)...)...)
	if !ok || read.int(1) <= 0 {
		return
	}
	b.Pass(time.Duration(rng.IntN(8)) * time.Millisecond)
	amount := 1 + rng.Int64N(read.int(1))
	b.noting.Lock()
	b.byMark[mark] = transfer{from, to, amount}
	b.noting.Unlock()
	a, ok := b.group(rng, fsm.Strong, unchanged(read.int(0), keys...),
		op(fsm.Incr, keys[0], -amount), op(fsm.Incr, keys[1], amount), op(fsm.Incr, mark, 1))
	b.note(mark, a)
	if ok && (a.int(0) != read.int(1)-amount || a.int(1) != read.int(2)+amount) {
		b.fail("%s moved %d between %d and %d, and found %d and %d", mark, amount, read.int(1), read.int(2), a.int(0), a.int(1))
	}
}

// close compares the accounts with the transfers that have happened.
func (b *bank) close() {
	there, err := b.check(b.troubled)
	if err != nil {
		b.T.Fatal(err)
	}
	want := make([]int64, len(b.accounts))
	for i := range want {
		want[i] = deposit
	}
	for mark, t := range b.byMark {
		if there[mark] {
			want[t.from] -= t.amount
			want[t.to] += t.amount
		}
	}
	for i, v := range b.values(b.accounts...) {
		if v.Int != want[i] {
			b.T.Errorf("%s is at %d, its transfers make %d", b.accounts[i], v.Int, want[i])
		}
	}
	b.T.Logf("%d transfers, %d not, %d unknown", b.count(applied), b.count(never), b.count(unknown))
	if b.count(applied) < 10 {
		b.T.Errorf("%d transfers: such a run proves nothing", b.count(applied))
	}
}
