package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	keyDigits  = 12   // of keyFormat
	waitLimit  = 1000 // ms, in WAIT
	replySpace = 8 << 10
)

// ownGenerator loads with a goroutine for each connection, in this process. What redis-benchmark can't, it can: WAIT, and
// more than one address.
type ownGenerator struct{}

func (ownGenerator) Name() string { return "own" }

func (ownGenerator) Run(ctx context.Context, load Load) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, turnLimit)
	defer cancel()
	clients, err := dialClients(ctx, load)
	defer func() {
		for _, c := range clients {
			c.conn.Close()
		}
	}()
	if err != nil {
		return Outcome{}, err
	}
	// The end of the context ends every read and write.
	defer context.AfterFunc(ctx, func() {
		for _, c := range clients {
			c.conn.SetDeadline(time.Unix(1, 0))
		}
	})()

	trips := &tickets{took: make([]time.Duration, load.Requests/load.Pipeline)}
	errs := make([]error, len(clients))
	cpu, start := ownCPU(), time.Now()
	var running sync.WaitGroup
	for i, c := range clients {
		running.Go(func() { errs[i] = c.run(trips) })
	}
	running.Wait()
	elapsed := time.Since(start)
	if err := errors.Join(errs...); err != nil {
		return Outcome{}, fmt.Errorf("load on %v: %s", load.Addresses, firstLine(err.Error()))
	}
	slices.Sort(trips.took)
	return Outcome{
		PerSecond: float64(load.Requests) / elapsed.Seconds(),
		P50:       milliseconds(quantile(trips.took, 0.5)),
		P99:       milliseconds(quantile(trips.took, 0.99)),
		cpu:       ownCPU() - cpu,
	}, nil
}

// tickets are the round trips that all clients share: a fast one makes more of them.
type tickets struct {
	drawn atomic.Int64
	took  []time.Duration // by ticket
}

// stop lets no further trip begin.
func (t *tickets) stop() { t.drawn.Store(int64(len(t.took))) }

// client is one connection and the pipeline that it sends again and again.
type client struct {
	conn    net.Conn
	replies *bufio.Reader
	load    Load
	request []byte
	digits  []int // where the digits of each command's key begin in request, if there is more than one key
	random  *rand.Rand
}

func dialClients(ctx context.Context, load Load) ([]*client, error) {
	var dialer net.Dialer
	var clients []*client
	for i := range load.Clients {
		conn, err := dialer.DialContext(ctx, "tcp", load.Addresses[i%len(load.Addresses)])
		if err != nil {
			return clients, err
		}
		clients = append(clients, newClient(conn, load, uint64(i)))
	}
	return clients, nil
}

func newClient(conn net.Conn, load Load, seed uint64) *client {
	c := &client{conn: conn, replies: bufio.NewReaderSize(conn, replySpace), load: load, random: rand.New(rand.NewPCG(seed, seed))}
	for range load.Pipeline {
		key := hotKey
		if load.Keys > hotKeys {
			key = fmt.Sprintf(keyFormat, 0)
		}
		c.request = fmt.Appendf(c.request, "*2\r\n$4\r\nINCR\r\n$%d\r\n%s\r\n", len(key), key)
		if load.Keys > hotKeys {
			c.digits = append(c.digits, len(c.request)-len("\r\n")-keyDigits)
		}
	}
	if load.Wait > 0 {
		n, ms := strconv.Itoa(load.Wait), strconv.Itoa(waitLimit)
		c.request = fmt.Appendf(c.request, "*3\r\n$4\r\nWAIT\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(n), n, len(ms), ms)
	}
	return c
}

func (c *client) run(trips *tickets) error {
	for {
		ticket := trips.drawn.Add(1) - 1
		if ticket >= int64(len(trips.took)) {
			return nil
		}
		start := time.Now()
		if err := c.trip(); err != nil {
			trips.stop()
			return err
		}
		trips.took[ticket] = time.Since(start)
	}
}

// trip sends one pipeline and reads its replies. It allocates nothing.
func (c *client) trip() error {
	for _, at := range c.digits {
		n := c.random.IntN(c.load.Keys)
		for i := keyDigits - 1; i >= 0; i-- {
			c.request[at+i] = byte('0' + n%10)
			n /= 10
		}
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	for range c.load.Pipeline {
		if _, err := c.integer(); err != nil {
			return err
		}
	}
	if c.load.Wait == 0 {
		return nil
	}
	n, err := c.integer()
	if err == nil && n < c.load.Wait {
		err = fmt.Errorf("WAIT %d: %d replicas within %d ms", c.load.Wait, n, waitLimit)
	}
	return err
}

// integer reads a reply and returns what it is worth to WAIT: a number that is small and not negative.
func (c *client) integer() (int, error) {
	line, err := c.replies.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len(":0\r\n") || line[0] != ':' {
		return 0, fmt.Errorf("not an integer: %q", bytes.TrimSpace(line))
	}
	n := 0
	for _, digit := range line[1 : len(line)-2] {
		n = n*10 + int(digit-'0')
	}
	return n, nil
}

// ownCPU is the processor time of this process so far.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
