package resp

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/truecount/truecount/fsm"
)

// What a command costs at the door, around the session and in it; the Reader alone is in reader_bounds_test.go. All figures are per
// command. Pipelines are what one read of the socket brings.

func pathPipelines() []int { return []int{1, 64, 1000} }

func uniformIncrs(pipeline int) (input []byte) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range pipeline {
		input = fmt.Appendf(input, "*2\r\n$4\r\nINCR\r\n$20\r\ncounter:%012d\r\n", rnd.IntN(100_000))
	}
	return input
}

// BenchmarkSession takes bytes in, hands Requests to a cluster that answers at once, and renders replies.
func BenchmarkSession(b *testing.B) {
	for name, command := range map[string]string{"INCR": oneIncr, "GET": oneGet} {
		for _, pipeline := range pathPipelines() {
			b.Run(fmt.Sprintf("%s/pipeline=%d", name, pipeline), func(b *testing.B) {
				benchmarkPipeline(b, command, pipeline)
			})
		}
	}
}

// BenchmarkRender turns Results into replies: integers of six digits, and the same as bulk strings.
func BenchmarkRender(b *testing.B) {
	var results fsm.Results
	const ops = 64
	for range ops {
		results = append(results, byte(fsm.Int), 0xc0, 0x9a, 0x0c) // 100,000
	}
	for name, render := range map[string]render{"integer": replyInt, "bulk": replyValue} {
		b.Run(name, func(b *testing.B) {
			var w writer
			var c command
			b.ReportAllocs()
			for n := 0; n < b.N; n += ops {
				w.buf = w.buf[:0]
				a := answers{rest: results}
				for range ops {
					render(&w, &c, 1, &a)
				}
			}
		})
	}
}

// instantCluster answers every Op with the same Result from a goroutine of its own, as a real one does.
type instantCluster struct {
	echoCluster
	asked   chan *fsm.Request
	results fsm.Results
}

func (c *instantCluster) Propose(r *fsm.Request) { c.asked <- r }
func (c *instantCluster) Read(r *fsm.Request)    { c.asked <- r }

func (c *instantCluster) run() {
	for r := range c.asked {
		r.Results, r.Index = c.results[:2*r.Ops], 1
		r.Done(r)
	}
}

// BenchmarkSocket is a client on a loopback socket with a cluster that answers at once: the door and its plumbing.
func BenchmarkSocket(b *testing.B) {
	for _, pipeline := range pathPipelines() {
		b.Run(fmt.Sprintf("pipeline=%d", pipeline), func(b *testing.B) {
			c := &instantCluster{asked: make(chan *fsm.Request, 1), results: bytes.Repeat([]byte{byte(fsm.Int), 42}, pipeline)}
			b.Cleanup(func() { close(c.asked) }) // after the server has gone
			go c.run()
			conn, input := serveTCP(b, Options{Cluster: c}).dial().Conn, uniformIncrs(pipeline)
			replies := make([]byte, pipeline*len(":21\r\n"))
			b.ReportAllocs()
			for n := 0; n < b.N; n += pipeline {
				if _, err := conn.Write(input); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(conn, replies); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
