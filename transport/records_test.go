package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

// wire is a connection that reads from one place and writes to another, and counts.
type wire struct {
	net.Conn
	in     io.Reader
	out    bytes.Buffer
	writes int
	closed int
	room   int // bytes that may still be written; negative: any number
}

func (w *wire) Read(p []byte) (int, error) { return w.in.Read(p) }

func (w *wire) Write(p []byte) (int, error) {
	w.writes++
	if w.room >= 0 && len(p) > w.room {
		return 0, os.ErrDeadlineExceeded
	}
	return w.out.Write(p)
}

func (w *wire) Close() error { w.closed++; return nil }

// received reads all that a stream of records holds, and says what it ended with, how often its owner was told and the connection closed.
func received(in io.Reader) (got string, told, closed int, err error) {
	w := &wire{in: in}
	r := &records{Conn: w, damaged: func(error) { told++ }}
	all, err := io.ReadAll(r)
	if _, again := r.Read(make([]byte, 1)); !errors.Is(again, err) && err != nil {
		err = fmt.Errorf("first %w, then %w", err, again)
	}
	return string(all), told, w.closed, err
}

func TestARecordIsWhatItsPictureSays(t *testing.T) {
	const want = "\x00\x09\xff\xf6\x0b\xb9\x01\x06123456789" // by another CRC-32C, bit by bit
	if got := string(appendRecord(nil, []byte("123456789"))); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRecordsCarryEveryByteInOneWriteEach(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, size := range []int{0, 1, maxRecord - 1, maxRecord, maxRecord + 1, 4 * maxRecord, 4*maxRecord + 1, 1 << 20} {
		text := make([]byte, size)
		for i := range text {
			text[i] = byte(rng.Uint32())
		}
		w := &wire{room: -1}
		r := &records{Conn: w}
		if n, err := r.Write(text); n != size || err != nil {
			t.Errorf("a write of %d bytes: %d, %v", size, n, err)
		}
		if most := (size + 4*maxRecord - 1) / (4 * maxRecord); w.writes != most {
			t.Errorf("%d bytes left in %d writes", size, w.writes)
		}
		for name, in := range map[string]func(io.Reader) io.Reader{
			"whole":         func(in io.Reader) io.Reader { return in },
			"byte by byte":  iotest.OneByteReader,
			"half by half":  iotest.HalfReader,
			"end with data": iotest.DataErrReader,
		} {
			got, told, _, err := received(in(bytes.NewReader(w.out.Bytes())))
			if got != string(text) || err != nil || told != 0 {
				t.Errorf("%d bytes, %s: %d came, %v", size, name, len(got), err)
			}
		}
	}
}

// three are records, what they carry, and where each ends.
func three() (wire []byte, texts string, ends []int) {
	for _, text := range []string{"one ", "the second, which is longer ", "3"} {
		wire = appendRecord(wire, []byte(text))
		ends = append(ends, len(wire))
		texts += text
	}
	return wire, texts, ends
}

// before is what the records carry that end at or before a byte.
func before(texts string, ends []int, at int) string {
	for i := len(ends) - 1; i >= 0; i-- {
		if ends[i] <= at {
			return texts[:ends[i]-recordHead*(i+1)]
		}
	}
	return ""
}

func TestNoByteOfARecordWithAFlippedBitIsHandedOn(t *testing.T) {
	whole, texts, ends := three()
	for at := range whole {
		for bit := range 8 {
			data := bytes.Clone(whole)
			data[at] ^= 1 << bit
			got, told, closed, err := received(iotest.HalfReader(bytes.NewReader(data)))
			if !errors.Is(err, ErrDamaged) || got != before(texts, ends, at) || told != 1 || closed != 1 {
				t.Errorf("byte %d, bit %d: %q, %v; told %d times, closed %d times", at, bit, got, err, told, closed)
			}
		}
	}
}

func TestRecordsThatAreCutOffAreNoRecords(t *testing.T) {
	whole, texts, ends := three()
	for cut := range len(whole) + 1 {
		got, told, closed, err := received(bytes.NewReader(whole[:cut]))
		want := io.ErrUnexpectedEOF
		if cut == 0 || slices.Contains(ends, cut) {
			want = nil // ReadAll's word for an end
		}
		if got != before(texts, ends, cut) || !errors.Is(err, want) || told != 0 || closed != 0 {
			t.Errorf("after %d bytes: %q, %v", cut, got, err)
		}
	}
}

func TestNobodyWaitsForARecordWithAWrongLength(t *testing.T) {
	for _, head := range []string{"\x00\x00\xff\xff", "\x00\x01\xff\xff", "\xff\xff\xff\xff", "\x00\x00\x00\x00", "GET "} {
		got, _, closed, err := received(io.MultiReader(strings.NewReader(head), iotest.ErrReader(errors.New("waited for more"))))
		if got != "" || !errors.Is(err, ErrDamaged) || closed != 1 {
			t.Errorf("%q: %q, %v", head, got, err)
		}
	}
}

func TestBehindAWriteThatFailedNothingIsSent(t *testing.T) {
	w := &wire{room: 5 * maxRecord}
	r := &records{Conn: w}
	if n, err := r.Write(make([]byte, 4*maxRecord)); n != 4*maxRecord || err != nil {
		t.Errorf("it has room: %d, %v", n, err)
	}
	w.room = 0
	for range 2 {
		if n, err := r.Write([]byte("x")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d, %v", n, err)
		}
		w.room = -1
	}
	if w.writes != 2 {
		t.Errorf("%d writes", w.writes)
	}
}

func TestADeadlineInTheMiddleOfARecordLosesNothing(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		near, far := pair(t, n)
		in, data := &records{Conn: near}, appendRecord(nil, []byte("in two pieces"))
		for cut := range data {
			send(t, far, data[:cut])
			_ = in.SetReadDeadline(time.Now().Add(time.Millisecond))
			if got, err := in.Read(make([]byte, 99)); got != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("after %d bytes: %d, %v", cut, got, err)
			}
			_ = in.SetReadDeadline(time.Time{})
			send(t, far, data[cut:])
			expectBytes(t, in, "in two pieces")
		}
	})
}

func TestRecordsMayBeReadWrittenAndClosedAtOnce(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		near, far := pair(t, n)
		out, in := &records{Conn: near}, &records{Conn: far}
		word := bytes.Repeat([]byte("x"), 100)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 200 {
					_, _ = out.Write(word)
				}
			})
		}
		var mu sync.Mutex
		total := 0
		for range 2 {
			all.Go(func() {
				p := make([]byte, 70)
				for {
					size, err := in.Read(p)
					mu.Lock()
					if total += size; total == 4*200*len(word) {
						in.Close() // ends the other reader
					}
					mu.Unlock()
					if err != nil {
						if errors.Is(err, ErrDamaged) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		all.Wait()
		if total != 4*200*len(word) {
			t.Errorf("%d bytes came", total)
		}
	})
}

// pair is a connection, both ends.
func pair(t *testing.T, n *memnet.Network) (near, far net.Conn) {
	t.Helper()
	l, err := n.Listen(addrOf("b"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	near = stranger(t, n, "b")
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return near, far
}

// A bit is flipped behind the handshake, in the call or in its reply. Then the call has failed, who read the bit was told, and the next
// call gets through.
func TestACallWithAFlippedBitIsBrokenAndNotHandled(t *testing.T) {
	size := len(appendRecord(nil, appendFrame(nil, 0, 1, []byte("add 1"))))
	from := map[bool]int{true: len(hello(Control, Identity{"house", "a"})) + 32, false: answerSize}
	for _, byDialer := range []bool{true, false} {
		for at := range size {
			inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
				var heard, told journal
				telling := func(c *Config) {
					c.Damaged = func(peer string, err error) { told.printf("%s told of %s", c.Me().Node, peer) }
				}
				a := open(t, n, "a", telling)
				open(t, n, "b", telling, handling(func(_ string, _ byte, payload []byte, reply func([]byte)) {
					heard.printf("%s", payload)
					reply(payload)
				}))
				spent := false
				tapping(t, n, "middle", "b", func(by bool, i int, b byte) byte {
					if by == byDialer && i == from[by]+at && !spent {
						spent = true
						b ^= 1 << (at % 8)
					}
					return b
				})
				link := a.Link(Control, addrOf("middle"))
				got := ask(link, "add 1")
				synctest.Wait() // until who read the bit has told of it, too
				want, witness := 0, "b told of a"
				if !byDialer {
					want, witness = 1, "a told of middle:17379"
				}
				if !errors.Is(got.err, ErrBroken) || got.after > time.Second || len(heard.all()) != want {
					t.Errorf("byte %d: %q, %v after %v; b has heard %q", at, got.reply, got.err, got.after, heard.all())
				}
				if lines := told.all(); len(lines) != 1 || lines[0] != witness {
					t.Errorf("byte %d: %q, want %q", at, lines, witness)
				}
				time.Sleep(redialPause)
				expectEcho(t, link, "add 2")
				synctest.Wait()
			})
		}
	}
}

func TestRecordsAllocateNothing(t *testing.T) {
	w := &wire{room: -1}
	r, text, p := &records{Conn: w}, make([]byte, 300), make([]byte, 300)
	w.out.Grow(1 << 20)
	w.in = &w.out
	if allocs := testing.AllocsPerRun(1000, func() {
		_, _ = r.Write(text)
		_, _ = io.ReadFull(r, p)
	}); allocs != 0 {
		t.Errorf("%v allocations for each write and read", allocs)
	}
}

func FuzzRecordsSurviveAnyInput(f *testing.F) {
	whole, _, _ := three()
	f.Add(whole)
	f.Add(appendRecord(nil, make([]byte, 300)))
	f.Add([]byte("\x00\x00\xff\xff\x00\x00\x00\x00"))
	f.Add([]byte("\xff\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, told, closed, err := received(bytes.NewReader(data))
		if bad := errors.Is(err, ErrDamaged); bad != (told == 1) || bad != (closed == 1) {
			t.Errorf("%v; told %d times, closed %d times", err, told, closed)
		}
		want := ""
		for rest := data; ; {
			payload, more, err := cutRecord(rest)
			if err != nil || payload == nil {
				break
			}
			if again := appendRecord(nil, payload); !bytes.Equal(again, rest[:len(again)]) {
				t.Errorf("%q was read as %q", rest, again)
			}
			want, rest = want+string(payload), more
		}
		if got != want {
			t.Errorf("handed on %q, checked %q", got, want)
		}
	})
}

// BenchmarkRecords measures what a record costs on its way out and in, of the size of a Batch with one increment, and of many.
func BenchmarkRecords(b *testing.B) {
	for _, size := range []int{100, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%d bytes", size), func(b *testing.B) {
			w := &wire{room: -1}
			r, text, p := &records{Conn: w}, make([]byte, size), make([]byte, size)
			w.in = &w.out
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = r.Write(text)
				_, _ = io.ReadFull(r, p)
			}
		})
	}
}
