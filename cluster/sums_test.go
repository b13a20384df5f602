package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

func entry(index uint64) *raft.Log {
	return &raft.Log{Index: index, Term: 3, Type: raft.LogCommand, Data: fmt.Appendf(nil, "entry %d", index)}
}

func TestASumSurvivesBothStores(t *testing.T) {
	smallSegments(t)
	for _, kind := range []string{walKind, boltKind} {
		dir := t.TempDir()
		m, shut := mustMark(t, dir, kind)
		if err := (&summedLog{LogStore: m}).StoreLogs([]*raft.Log{entry(1), entry(2)}); err != nil {
			t.Fatal(err)
		}
		shut()
		m, shut = mustMark(t, dir, kind)
		defer shut()
		for index := uint64(1); index <= 2; index++ {
			var got raft.Log
			if err := m.GetLog(index, &got); err != nil || !sumRight(&got) {
				t.Errorf("%s: entry %d comes back with extensions %x, %v", kind, index, got.Extensions, err)
			}
		}
	}
}

func TestASumSurvivesTheWire(t *testing.T) {
	var transports []*raft.NetworkTransport
	for range 2 {
		tr, err := raft.NewTCPTransport("127.0.0.1:0", nil, 1, time.Second, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		transports = append(transports, tr)
	}
	sent := entry(1)
	if err := (&summedLog{LogStore: raft.NewInmemStore()}).StoreLog(sent); err != nil {
		t.Fatal(err)
	}
	got := make(chan *raft.Log, 1)
	go func() {
		rpc := <-transports[1].Consumer()
		got <- rpc.Command.(*raft.AppendEntriesRequest).Entries[0]
		rpc.Respond(&raft.AppendEntriesResponse{}, nil)
	}()
	err := transports[0].AppendEntries("b", transports[1].LocalAddr(), &raft.AppendEntriesRequest{Entries: []*raft.Log{sent}}, &raft.AppendEntriesResponse{})
	if err != nil {
		t.Fatal(err)
	}
	if l := <-got; !sumRight(l) || !bytes.Equal(l.Extensions, sent.Extensions) {
		t.Errorf("it arrives with extensions %x, it was sent with %x", l.Extensions, sent.Extensions)
	}
}

// spoil are the parts of an entry that the sum covers.
var spoil = map[string]func(*raft.Log){
	"index": func(l *raft.Log) { l.Index++ },
	"term":  func(l *raft.Log) { l.Term ^= 1 },
	"type":  func(l *raft.Log) { l.Type = raft.LogConfiguration },
	"data":  func(l *raft.Log) { l.Data[0] ^= 1 },
	"cut":   func(l *raft.Log) { l.Data = l.Data[1:] },
	"sum":   func(l *raft.Log) { l.Extensions[3] ^= 1 },
	"short": func(l *raft.Log) { l.Extensions = l.Extensions[:3] },
}

func TestAnEntryThatWasDamagedOnItsWayIsRefusedAndEndsNobody(t *testing.T) {
	for what, by := range spoil {
		store := raft.NewInmemStore()
		log := fatalLog{&summedLog{LogStore: store}, func(err error) { t.Errorf("%s: the node ended: %v", what, err) }, nil}
		good, bad := entry(1), entry(2)
		for _, l := range []*raft.Log{good, bad} {
			if err := (&summedLog{LogStore: raft.NewInmemStore()}).StoreLog(l); err != nil { // on the leader
				t.Fatal(err)
			}
		}
		by(bad)
		if err := log.StoreLogs([]*raft.Log{good, bad}); !errors.Is(err, errOnTheWay) {
			t.Errorf("%s: %v", what, err)
		}
		if last, _ := store.LastIndex(); last != 0 {
			t.Errorf("%s: entry %d was stored", what, last)
		}
		if err := log.StoreLog(good); err != nil {
			t.Errorf("sent again: %v", err)
		}
	}
}

// Raft does not notice that nothing followed the entries that it has deleted.
func TestADamagedEntryBehindACutEndsTheNode(t *testing.T) {
	ended := 0
	log := fatalLog{&summedLog{LogStore: raft.NewInmemStore()}, func(error) { ended++ }, nil}
	if err := log.StoreLogs([]*raft.Log{entry(1), entry(2), entry(3)}); err != nil {
		t.Fatal(err)
	}
	if err := log.DeleteRange(2, 3); err != nil {
		t.Fatal(err)
	}
	bad := entry(2)
	bad.Extensions = []byte{1, 2, 3, 4}
	if err := log.StoreLog(bad); err == nil || errors.Is(err, errOnTheWay) || ended != 1 {
		t.Errorf("%v, ended %d times", err, ended)
	}
	if err := log.StoreLog(entry(2)); err != nil {
		t.Fatal(err)
	}
	if err := log.StoreLog(bad); !errors.Is(err, errOnTheWay) || ended != 1 {
		t.Errorf("after a good one: %v, ended %d times", err, ended)
	}
}

// heldLog answers with the entries that it was given, whatever their numbers.
type heldLog struct {
	raft.LogStore
	held map[uint64]raft.Log
	err  error
}

func (h heldLog) FirstIndex() (uint64, error) { return 1, nil }
func (h heldLog) LastIndex() (uint64, error)  { return 3, nil }
func (h heldLog) GetLog(index uint64, log *raft.Log) error {
	found, ok := h.held[index]
	if h.err != nil {
		return h.err
	}
	if !ok {
		return raft.ErrLogNotFound
	}
	if found.Index == 0 {
		panic("a codec that trusts its input")
	}
	*log = found
	return nil
}

func held() heldLog {
	h := heldLog{held: map[uint64]raft.Log{}}
	for i := uint64(1); i <= 3; i++ {
		l := entry(i)
		if err := (&summedLog{LogStore: raft.NewInmemStore()}).StoreLog(l); err != nil {
			panic(err)
		}
		h.held[i] = *l
	}
	return h
}

func TestADamagedLogIsFoundAtTheStart(t *testing.T) {
	if err := checkLog(&summedLog{LogStore: held()}); err != nil {
		t.Errorf("a whole log: %v", err)
	}
	check := func(what string, h heldLog) {
		err := checkLog(&summedLog{LogStore: h})
		if !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "entry 2") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, by := range spoil {
		h := held()
		l := h.held[2]
		by(&l)
		h.held[2] = l
		check(what, h)
	}
	h := held()
	h.held[2] = h.held[3]
	check("another entry", h)
	h = held()
	delete(h.held, 2)
	check("a missing one", h)
	h = held()
	h.held[2] = raft.Log{}
	check("a panic", h)
}

func TestWhatIsNoDamage(t *testing.T) {
	h := held()
	l := h.held[2]
	l.Extensions = nil
	h.held[2] = l
	if err := (&summedLog{LogStore: h}).GetLog(2, new(raft.Log)); err != nil {
		t.Errorf("an entry of an older build: %v", err)
	}
	if err := (&summedLog{LogStore: h}).GetLog(4, new(raft.Log)); err != raft.ErrLogNotFound {
		t.Errorf("an entry behind the end: %v", err)
	}
	m, shut := mustMark(t, t.TempDir(), boltKind)
	store(t, m, 1, 1)
	shut()
	if err := (&summedLog{LogStore: m}).GetLog(2, new(raft.Log)); err == nil || errors.Is(err, errDamaged) {
		t.Errorf("a closed log: %v", err)
	}
}

func TestADamagedEntryEndsTheNodeWhenItIsRead(t *testing.T) {
	ended := make(chan error)
	log := fatalLog{&summedLog{LogStore: heldLog{err: errDisk}}, func(err error) { ended <- err }, nil}
	go func() {
		log.GetLog(2, new(raft.Log))
		t.Error("GetLog returned: raft panics over that")
	}()
	if err := <-ended; !errors.Is(err, errDamaged) || !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "entry 2") {
		t.Errorf("ended with %v", err)
	}
}

func BenchmarkSum(b *testing.B) {
	for _, size := range []int{100, 4 << 10, 128 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			l := entry(1)
			l.Data = make([]byte, size)
			b.SetBytes(int64(size))
			for range b.N {
				sum(l)
			}
		})
	}
}

func BenchmarkCheckLog(b *testing.B) {
	for _, kind := range []string{walKind, boltKind} {
		b.Run(kind, func(b *testing.B) {
			const entries, size = 2000, 64 << 10
			dir := b.TempDir()
			log, shut, err := openLog(dir, kind, hclog.NewNullLogger())
			if err != nil {
				b.Fatal(err)
			}
			defer shut()
			summed := &summedLog{LogStore: log}
			for i := uint64(1); i <= entries; i += 50 {
				var logs []*raft.Log
				for j := i; j < i+50; j++ {
					l := entry(j)
					l.Data = make([]byte, size)
					logs = append(logs, l)
				}
				if err := summed.StoreLogs(logs); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(entries * size)
			b.ResetTimer()
			for range b.N {
				if err := checkLog(summed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
