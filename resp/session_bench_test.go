package resp

import (
	"testing"

	"github.com/truecount/truecount/fsm"
)

// echoCluster answers every Op with the same Result, so that what is measured is the door.
type echoCluster struct {
	request *fsm.Request
	results fsm.Results
}

func (c *echoCluster) Propose(r *fsm.Request)      { c.request = r }
func (c *echoCluster) Read(r *fsm.Request)         { c.request = r }
func (c *echoCluster) Local() fsm.Status           { return fsm.Status{} }
func (c *echoCluster) Describe(_ func(fsm.Status)) {}
func (c *echoCluster) Digest(func(_, _ uint64))    {}

func (c *echoCluster) Change(fsm.Change, func(error)) {}
func (c *echoCluster) Removal() error                 { return nil }
func (c *echoCluster) Observe(func(fsm.Event))        {}

func (c *echoCluster) answer() {
	r := c.request
	c.request = nil
	r.Results, r.Index = c.results[:2*r.Ops], 1
	r.Done(r)
}

type benched struct {
	cluster *echoCluster
	session *session
	input   []byte
}

func newBenched(command string, pipeline int) *benched {
	b := &benched{cluster: &echoCluster{}}
	for range pipeline {
		b.input = append(b.input, command...)
		b.cluster.results = append(b.cluster.results, byte(fsm.Int), 42)
	}
	b.session = newSession(newDoor(&Options{Cluster: b.cluster}), NewReader(Limits{}), 1, func(u *unit) {
		b.session.complete(u)
		b.session.pump()
	})
	return b
}

func (b *benched) round() {
	b.session.in.Fill(copy(b.session.in.Space(len(b.input)), b.input))
	b.session.pump()
	b.cluster.answer()
	b.session.out.buf = b.session.out.buf[:0]
}

const (
	oneIncr = "*2\r\n$4\r\nINCR\r\n$20\r\ncounter:000000000001\r\n"
	oneGet  = "*2\r\n$3\r\nGET\r\n$20\r\ncounter:000000000001\r\n"
)

func TestIncrAndGetAllocateNothing(t *testing.T) {
	for name, command := range map[string]string{"INCR": oneIncr, "GET": oneGet} {
		b := newBenched(command, 10)
		if n := testing.AllocsPerRun(100, b.round); n != 0 {
			t.Errorf("%v allocations per pipeline of 10 %s", n, name)
		}
	}
}

func benchmarkPipeline(b *testing.B, command string, pipeline int) {
	s := newBenched(command, pipeline)
	b.ReportAllocs()
	for n := 0; n < b.N; n += pipeline {
		s.round()
	}
}

func BenchmarkIncr(b *testing.B)         { benchmarkPipeline(b, oneIncr, 1) }
func BenchmarkIncrPipeline(b *testing.B) { benchmarkPipeline(b, oneIncr, 100) }
func BenchmarkGetPipeline(b *testing.B)  { benchmarkPipeline(b, oneGet, 100) }
