package resp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/truecount/truecount/fsm"
)

// setting is one name that CONFIG knows: those that clients and tools ask for.
type setting struct {
	name  string
	text  string               // what it is, if there is no value
	value func(d *door) string // what it is now

	set     func(d *door, text string) error // under d.setting. An error says, in Redis's words, what is wrong with the text
	refusal string                           // why it can't be set, if there is more to say than that
}

var settings = []setting{
	{name: "appendonly", text: "yes"},
	{name: "bind"},
	{name: "bind-grace", value: func(d *door) string { return d.bindings.grace.String() },
		refusal: "each node has it from its configuration: change it there, and restart the node"},
	{name: "databases", text: "1"},
	{name: "dead-instance-threshold", value: deadInstance, refusal: ofTheLeader("dead-instance-threshold")},
	{name: "dir"},
	{name: "io-threads", text: "1"},
	{name: "latency-monitor-threshold", value: latencyThreshold, set: number(0, math.MaxInt64, setLatencyThreshold)},
	{name: "latency-tracking", value: latencyTracking, set: setLatencyTracking},
	{name: "latency-tracking-info-percentiles", text: "50 99 99.9"},
	{name: "loglevel", text: "notice"},
	{name: "max-instances", value: maxInstances, refusal: ofTheLeader("max-instances")},
	{name: "max-sessions", value: maxSessions, refusal: ofTheLeader("max-sessions")},
	{name: "maxclients", value: maxClients, set: number(1, math.MaxUint32, setMaxClients)},
	{name: "maxmemory", value: maxMemory, refusal: ofTheLeader("max-bytes")},
	{name: "maxmemory-policy", text: "noeviction"},
	{name: "notify-keyspace-events", value: (*door).keyspaceEvents, set: (*door).notifyKeyspaceEvents},
	{name: "port", value: func(d *door) string { return strconv.FormatInt(d.port.Load(), 10) }},
	{name: "proto-max-bulk-len", text: strconv.Itoa(fsm.MaxGroup)},
	{name: "replica-read-only", text: "no"},
	{name: "requirepass"}, // never what it is
	{name: "save"},
	{name: "slave-read-only", text: "no"},
	{name: "slowlog-log-slower-than", value: slowMicros, set: number(-1, math.MaxInt64, setSlowMicros)},
	{name: "slowlog-max-len", value: slowLength, set: number(0, maxSlowLength, setSlowLength)},
	{name: "tcp-keepalive", text: "15"},
	{name: "timeout", value: idleSeconds, set: number(0, math.MaxInt32, setIdleSeconds)},
}

// ofTheLeader is why what the cluster has can't be set.
func ofTheLeader(name string) string {
	return "the cluster's is the " + name + " of the node that leads: give all nodes the same in their configuration, and restart them one after the other (OPERATIONS.md)"
}

func findSetting(name []byte) *setting {
	for i := range settings {
		if is(name, strings.ToUpper(settings[i].name)) {
			return &settings[i]
		}
	}
	return nil
}

func (s *setting) get(d *door) string {
	if s.value == nil {
		return s.text
	}
	return s.value(d)
}

// number makes a set for an integer between two bounds.
func number(low, high int64, set func(d *door, n int64) error) func(*door, string) error {
	return func(d *door, text string) error {
		n, ok := fsm.ParseInt([]byte(text))
		if !ok {
			return replyError("argument couldn't be parsed into an integer")
		}
		if n < low || n > high {
			return replyError(fmt.Sprintf("argument must be between %d and %d inclusive", low, high))
		}
		return set(d, n)
	}
}

func latencyThreshold(d *door) string { return strconv.FormatInt(d.latency.millis.Load(), 10) }

func setLatencyThreshold(d *door, millis int64) error {
	d.latency.millis.Store(millis)
	d.rewatch()
	return nil
}

func latencyTracking(d *door) string {
	if d.tracked() {
		return "yes"
	}
	return "no"
}

func setLatencyTracking(d *door, text string) error {
	yes := is([]byte(text), "YES")
	if !yes && !is([]byte(text), "NO") {
		return replyError("argument must be 'yes' or 'no'")
	}
	d.untracked.Store(!yes)
	return nil
}

func maxClients(d *door) string { return strconv.FormatInt(d.maxClients.Load(), 10) }

// setMaxClients takes no more than the process was started with, for which it has seen to file descriptors.
func setMaxClients(d *door, n int64) error {
	if n > d.mostClients {
		return replyError(fmt.Sprintf("this node was started with max-clients %d, and can't have more until it is started with more", d.mostClients))
	}
	d.maxClients.Store(n)
	return nil
}

func maxMemory(d *door) string { return strconv.FormatUint(d.cluster.Local().MaxBytes, 10) }

func maxInstances(d *door) string { return strconv.FormatUint(d.cluster.Local().MaxInstances, 10) }

func maxSessions(d *door) string { return strconv.FormatUint(d.cluster.Local().MaxSessions, 10) }

func deadInstance(d *door) string {
	return (time.Duration(d.cluster.Local().Lease) * time.Millisecond).String()
}

func slowMicros(d *door) string { return strconv.FormatInt(d.slowlog.micros.Load(), 10) }

func setSlowMicros(d *door, micros int64) error {
	d.slowlog.micros.Store(micros)
	d.rewatch()
	return nil
}

func slowLength(d *door) string { return strconv.FormatInt(d.slowlog.length.Load(), 10) }

func setSlowLength(d *door, n int64) error {
	d.slowlog.length.Store(n)
	return nil
}

func idleSeconds(d *door) string { return strconv.FormatInt(int64(d.idle.after()/time.Second), 10) }

func setIdleSeconds(d *door, seconds int64) error {
	d.idle.set(time.Duration(seconds)*time.Second, d.clock())
	return nil
}
