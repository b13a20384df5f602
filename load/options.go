package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"
)

// Bounds of Options.
const (
	MaxClients  = 10_000        // connections
	MaxPipeline = 100_000       // commands sent before their replies are read
	MaxKeys     = 10_000_000    // different keys
	MaxPrefix   = 512           // bytes of a key before its number
	MaxRate     = 100_000_000.0 // commands a second
	MinRate     = 0.1
	MaxTime     = 24 * time.Hour // of a phase, also of one that ends after so many requests
	MinDisturb  = time.Second    // between two disturbances
	maxReplicas = 1000
)

// Options say what load to make.
type Options struct {
	Nodes    []string // addresses; the clients are spread evenly over them
	Clients  int
	Pipeline int           // commands of a client that are sent together, before their replies are read
	Duration time.Duration // how long to measure; 0: until Requests were sent
	Requests int64         // how many commands to send; 0: for Duration
	Warmup   time.Duration // of the same load, before anything is measured

	// Rate is how many commands a second are due, by a schedule that does not care for replies: an open loop, in which latency
	// counts from when a command was due. 0: a closed loop, in which a client sends when it has all replies.
	Rate float64

	Operation    Operation
	Keys         int
	Distribution Distribution
	KeyPrefix    string
	Level        string // "strong", "stale" or "stale:MAXAGE": sent to Truecount as CONSISTENCY; empty: nothing is sent
	Wait         int    // if above 0, "WAIT n 1000" follows each pipeline, and its increments count only if it answers n
	Seed         uint64 // of what is drawn
	Verify       bool   // use fresh keys, and compare them with what was acknowledged in the end

	DisturbEvery time.Duration // 0: never
	// Disturb does harm, such as killing a node, and says what it did; with an error, too, if only a part of it went well, such
	// as killing without starting again. A call may take its time.
	Disturb func(context.Context) (event string, err error)

	Progress func(Progress) // is called once a second while it measures; may be nil
	// Dial opens a connection to a node; nil: by TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
}

// Defaults are Options that need nothing but Nodes.
func Defaults() Options {
	return Options{Clients: 50, Pipeline: 1, Duration: 10 * time.Second, Warmup: time.Second, Keys: 1, KeyPrefix: "bench:", Seed: 1}
}

// Check finds the first option that can't be. Its error begins with the option's name, in the form of a flag without dashes.
func (o *Options) Check() error {
	for _, rule := range []struct {
		broken bool
		text   string
	}{
		{len(o.Nodes) == 0, "node: give at least one host:port"},
		{o.Clients < 1 || o.Clients > MaxClients, fmt.Sprintf("clients %d: give 1 to %d", o.Clients, MaxClients)},
		{o.Clients < len(o.Nodes), fmt.Sprintf("clients %d: %d nodes need at least as many", o.Clients, len(o.Nodes))},
		{o.Pipeline < 1 || o.Pipeline > MaxPipeline, fmt.Sprintf("pipeline %d: give 1 to %d", o.Pipeline, MaxPipeline)},
		{o.Keys < 1 || o.Keys > MaxKeys, fmt.Sprintf("keys %d: give 1 to %d", o.Keys, MaxKeys)},
		{o.Distribution.hot && o.Keys > 1, fmt.Sprintf("distribution hot: that is one key, not %d: leave --keys out, or give uniform or zipf", o.Keys)},
		{o.Distribution.exponent > 0 && o.Keys == 1, "distribution zipf: give the number of --keys, such as 1000"},
		{len(o.KeyPrefix) > MaxPrefix, fmt.Sprintf("key-prefix: %d bytes, at most %d", len(o.KeyPrefix), MaxPrefix)},
		{o.Duration < 0 || o.Duration > MaxTime, fmt.Sprintf("duration %v: give more than 0, at most %v", o.Duration, MaxTime)},
		{o.Requests < 0, fmt.Sprintf("requests %d: give at least 1", o.Requests)},
		{o.Duration == 0 && o.Requests == 0, "duration: give a time above 0, or the number of --requests"},
		{o.Duration > 0 && o.Requests > 0, "requests: give a number of requests or a --duration, not both"},
		{o.Warmup < 0 || o.Warmup > MaxTime, fmt.Sprintf("warmup %v: give 0 to %v", o.Warmup, MaxTime)},
		{o.Rate != 0 && !(o.Rate >= MinRate && o.Rate <= MaxRate),
			fmt.Sprintf("rate %v: give %v to %.0f commands a second, or 0 for as fast as they are answered", o.Rate, MinRate, MaxRate)},
		{o.Wait < 0 || o.Wait > maxReplicas, fmt.Sprintf("wait %d: give 0 to %d replicas", o.Wait, maxReplicas)},
		{o.Wait > 0 && o.Operation.write != incr || o.Wait > 0 && !o.Operation.writes(), "wait: it is about increments, and there are none: use --op incr or mix"},
		{o.Verify && o.Operation.write != incr || o.Verify && !o.Operation.writes(), "verify: it counts increments, and there are none: use --op incr or mix"},
		{o.Level != "" && !o.Operation.reads(), "level: it is about reads, and there are none: use --op get or mix"},
		{o.DisturbEvery > 0 && o.Disturb == nil, "kill-leader-every: there is nothing that could kill"},
		{o.DisturbEvery != 0 && o.DisturbEvery < MinDisturb, fmt.Sprintf("kill-leader-every %v: give at least %v", o.DisturbEvery, MinDisturb)},
	} {
		if rule.broken {
			return errors.New(rule.text)
		}
	}
	_, err := o.consistency()
	return err
}

// consistency is the command that sets the level; empty: none.
func (o *Options) consistency() ([]string, error) {
	level, age, aged := strings.Cut(o.Level, ":")
	switch {
	case o.Level == "":
		return nil, nil
	case o.Level == "strong" || o.Level == "stale":
		return []string{"CONSISTENCY", strings.ToUpper(level)}, nil
	case level == "stale" && aged:
		d, err := time.ParseDuration(age)
		if err == nil && d > 0 && d <= MaxTime {
			return []string{"CONSISTENCY", "STALE", "MAXAGE", strconv.FormatInt(int64(math.Ceil(d.Seconds()*1000)), 10)}, nil
		}
		return nil, fmt.Errorf("level %q: the age is a time above 0, such as stale:100ms", o.Level)
	}
	return nil, fmt.Errorf("level %q: give strong, stale or stale:MAXAGE, such as stale:100ms", o.Level)
}
