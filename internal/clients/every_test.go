package clients

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// everyClient is what each client must manage, by the names of its subtests.
var everyClient = []string{
	"it counts to 1000 over three nodes",
	"it reads at another node",
	"a missing key is null",
	"an error is an error of its own",
	"a transaction",
	"a pipeline of 10000",
	"an expiry",
	"it goes on after a restart",
}

const (
	countTo      = 1000
	pipelineSize = 10_000
	connections  = 6 // that count at the same time, two at each node
)

// checks returns what runs a subtest of t, and sees to it that in the end all of everyClient were among them.
func checks(t *testing.T) func(name string, test func(t *testing.T)) {
	var made []string
	t.Cleanup(func() {
		for _, name := range everyClient {
			if !slices.Contains(made, name) {
				t.Errorf("it never came to the check: %s", name)
			}
		}
	})
	return func(name string, test func(t *testing.T)) {
		t.Helper()
		made = append(made, name)
		t.Run(name, test)
	}
}

// countTogether has connections at all three nodes increment at once, and wants each number from 1 to 1,000 told once.
// incr asks the node of that index, and may be called by many goroutines.
func countTogether(t *testing.T, incr func(connection, node int) (int64, error)) {
	t.Helper()
	var mu sync.Mutex
	told := map[int64]int{}
	var failed error
	var all sync.WaitGroup
	for c := range connections {
		all.Go(func() {
			for i := c; i < countTo; i += connections {
				n, err := incr(c, c%3)
				mu.Lock()
				told[n]++
				failed = errors.Join(failed, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	if failed != nil {
		t.Fatal(failed)
	}
	for n := int64(1); n <= countTo; n++ {
		if told[n] != 1 {
			t.Fatalf("%d was told %d times", n, told[n])
		}
	}
}

// goesOn restarts the first node under a client and increments until that succeeds. Each failed try may have counted.
func goesOn(t *testing.T, p *place, incr func() (int64, error)) {
	t.Helper()
	before, err := incr()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.restart(); err != nil {
		t.Fatal(err)
	}
	var after int64
	tries := int64(0)
	err = eventually("the client increments again", func() (err error) {
		tries++
		after, err = incr()
		return err
	})
	switch {
	case err != nil:
		t.Fatal(err)
	case after <= before || after > before+tries:
		t.Fatalf("%d before the restart, %d after it and %d tries", before, after, tries)
	}
}

func wants[T comparable](t *testing.T, what string, got T, err error, want T) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if got != want {
		t.Errorf("%s: %s, want %s", what, quote(got), quote(want))
	}
}

func quote(v any) string { return fmt.Sprintf("%#v", v) }
