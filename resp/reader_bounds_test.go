package resp

import (
	"bytes"
	"runtime"
	"slices"
	"strconv"
	"testing"
)

func TestDeclaredSizesCostNothing(t *testing.T) {
	for _, in := range []string{
		"*131072\r\n", declares("1048576"), "*131072\r\n$1048576\r\nabc",
		"*4000000000\r\n", "*9223372036854775807\r\n", declares("9223372036854775800"),
	} {
		r := feedString(&Reader{}, in)
		_, _ = r.Next()
		_ = r.Space(512)
		if len(r.buf) > 1024 || cap(r.args) > 16 || cap(r.spans) > 16 {
			t.Errorf("%q costs %d bytes, %d arguments, %d spans", in, len(r.buf), cap(r.args), cap(r.spans))
		}
	}
}

// The three tests below end in a second or so; a Reader that looks at anything again and again takes minutes.

func TestAMillionTinyPiecesCostLinearTime(t *testing.T) {
	for _, c := range [][]string{
		{"SET", "k", repeated("v", 1<<20)},
		append([]string{"DEL"}, slices.Repeat([]string{"k"}, defaultArgs-1)...),
	} {
		var r Reader
		in := appendBulks(nil, c...)
		for i, b := range in {
			r.Space(1)[0] = b
			r.Fill(1)
			args, err := r.Next()
			if last := i == len(in)-1; err != nil || last != (len(args) == len(c)) {
				t.Fatalf("at byte %d of %d: %d arguments, %v", i, len(in), len(args), err)
			}
			if len(r.buf) > 4*(i+1) {
				t.Fatalf("%d bytes of buffer for %d received", len(r.buf), i+1)
			}
		}
	}
}

func TestALineWithoutAnEndIsRefusedAfter64KiB(t *testing.T) {
	for _, c := range []string{"", "*", "*1\r\n$"} {
		var r Reader
		var err error
		n := 0
		for feedString(&r, c); err == nil && n <= 1<<20; n++ {
			feedString(&r, "\x00")
			_, err = r.Next()
		}
		if n+len(c) < defaultInline || n > defaultInline+1 {
			t.Errorf("after %q: %d bytes were taken, then %v", c, n, err)
		}
	}
}

func TestAnEndlessPipelineStaysInASmallBuffer(t *testing.T) {
	one := []byte(bulks("INCR", "key:0123456789"))
	stream := bytes.Repeat(one, 1<<20/len(one)+1) // no read ends where a command does
	var r Reader
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	count, fed := 0, 0
	for fed < 100<<20 {
		n := copy(r.Space(4096), stream[fed%len(one):])
		r.Fill(n)
		fed += n
		for args, err := r.Next(); args != nil || err != nil; args, err = r.Next() {
			if err != nil {
				t.Fatal(err)
			}
			count++
		}
		if len(r.buf) > 2*readChunk {
			t.Fatalf("the buffer has grown to %d bytes", len(r.buf))
		}
	}
	runtime.ReadMemStats(&after)
	if count != fed/len(one) {
		t.Errorf("%d commands of %d", count, fed/len(one))
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d bytes allocated for the stream", got)
	}
}

func TestAClientWhoFillsTheRoomGetsMoreOfIt(t *testing.T) {
	var r Reader
	for range 10 {
		room := r.Space(512)
		r.Fill(copy(room, bytes.Repeat([]byte("\n"), len(room))))
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(r.Space(512)); got != readChunk {
		t.Errorf("room for %d bytes, want %d", got, readChunk)
	}
}

func TestTheBufferNeverGrowsBeyondItsBound(t *testing.T) {
	var r Reader
	for range 3 { // an owner who doesn't take his commands
		for room := r.Space(5000); len(room) > 0; room = r.Space(5000) {
			r.Fill(copy(room, bytes.Repeat([]byte("PING\n"), len(room)/5+1)))
			if len(r.buf) > holds(r.limits, 5000) {
				t.Fatalf("the buffer has grown to %d bytes", len(r.buf))
			}
		}
	}
	if commands, err := drain(&r, nil); err != nil || len(commands) < defaultRequest/5 {
		t.Fatalf("%d commands, %v", len(commands), err)
	}
}

func TestALargeBufferIsGivenBackOnceItIsEmpty(t *testing.T) {
	var r Reader
	many := append([]string{"DEL"}, slices.Repeat([]string{"key"}, 100_000)...)
	if commands, err := readPieces(&r, appendBulks(nil, many...)); err != nil || len(commands) != 1 {
		t.Fatal(len(commands), err)
	}
	_ = r.Space(4096)
	if len(r.buf) > keepBuffer || cap(r.args) > keepArgs || cap(r.spans) > keepArgs {
		t.Errorf("%d bytes, %d arguments, %d spans are kept", len(r.buf), cap(r.args), cap(r.spans))
	}
}

func TestAnIdleReaderShrinksAndKeepsHalfACommand(t *testing.T) {
	var r Reader
	in := bytes.Repeat([]byte(bulks("INCR", "key")), 2000)
	half := []byte("*2\r\n$4\r\nINCR\r\n$3\r\nke")
	commands, err := readPieces(&r, slices.Concat(in, half))
	r.Shrink()
	if err != nil || len(commands) != 2000 || len(r.buf) > 2*idleBuffer || r.Buffered() != len(half) {
		t.Fatalf("%d commands, %v, %d bytes of buffer, %d in it", len(commands), err, len(r.buf), r.Buffered())
	}
	args, err := feedString(&r, "y\r\n").Next()
	if err != nil || len(args) != 2 || string(args[1]) != "key" {
		t.Fatalf("got %q, %v", args, err)
	}
	r.Shrink()
	if len(r.buf) > idleBuffer || r.Buffered() != 0 {
		t.Errorf("%d bytes of buffer, %d in it", len(r.buf), r.Buffered())
	}
}

func BenchmarkReaderPipelineOfINCRs(b *testing.B) {
	for _, pipeline := range []int{1, 16, 1000} {
		b.Run(strconv.Itoa(pipeline), func(b *testing.B) {
			var r Reader
			in := bytes.Repeat([]byte(bulks("INCR", "key:000000001")), pipeline)
			b.ReportAllocs()
			for n := 0; n < b.N; {
				feed(&r, in)
				for args, err := r.Next(); args != nil; args, err = r.Next() {
					if n++; err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
