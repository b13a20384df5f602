package configs

import (
	"slices"
	"strings"
	"time"
)

// prefix begins every variable of ours.
const prefix = "TRUECOUNT_"

// Setting is one line of the table: what an operator can set, under one name in every source.
type Setting struct {
	Name    string // of the flag and of the key in the file
	Default string // as text; empty: unset
	Help    string // a sentence without its full stop

	field func(*Config) value
}

// Settings returns the table, in the order in which people are shown it.
func Settings() []Setting { return slices.Clone(settings) }

// Variable is the setting's environment variable, such as TRUECOUNT_MAX_BYTES.
func (s Setting) Variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Kind is one word for what the value is, such as "size". "bool" is a flag that may stand alone, "addresses" one that may
// be repeated.
func (s Setting) Kind() string { return s.field(new(Config)).kind() }

var settings = []Setting{
	{"id", "", "the node's name; unset: as in the directory, or drawn at random for a new one",
		func(c *Config) value { return text{&c.ID, "name"} }},
	{"dir", "./truecount-data", "data directory",
		func(c *Config) value { return text{&c.Dir, "directory"} }},
	{"resp", "127.0.0.1:7379", "address for clients, in the Redis protocol",
		func(c *Config) value { return text{&c.RESP, "address"} }},
	{"peer", "", "address for other nodes; unset: the RESP address with 10000 added to its port",
		func(c *Config) value { return text{&c.Peer, "address"} }},
	{"advertise", "", "address for clients that others are told, where it is not the one to listen at; unset: the RESP address",
		func(c *Config) value { return text{&c.Advertise, "address"} }},
	{"advertise-peer", "", "address for other nodes that they are told, where it is not the one to listen at; unset: the peer address",
		func(c *Config) value { return text{&c.AdvertisePeer, "address"} }},
	{"join", "", "RESP addresses of nodes whose cluster to join, by comma; ignored once joined",
		func(c *Config) value { return list{&c.Join} }},
	{"insecure", "false", "allow RESP addresses that are not loopback without a password; there is no TLS",
		func(c *Config) value { return yesno{&c.Insecure} }},
	{"secret-file", "", "file with the secret that all nodes share; unset: the peer address must be loopback",
		func(c *Config) value { return text{&c.SecretFile, "file"} }},
	{"password-file", "", "file with the password that clients log in with, the same for every node; unset: none",
		func(c *Config) value { return text{&c.PasswordFile, "file"} }},
	{"nonvoter", "false", "be a member that has all data and answers clients but never votes",
		func(c *Config) value { return yesno{&c.Nonvoter} }},
	{"log-store", "wal", "what keeps the Raft log: wal or bolt; a directory keeps its kind",
		func(c *Config) value { return choice{&c.LogStore, "store", []string{"wal", "bolt"}} }},
	{"max-bytes", "auto", "how much memory the counters may take: a size, none, or auto, a quarter of what there is for a cluster without a limit",
		func(c *Config) value { return number{&c.MaxBytes, "size"} }},
	{"max-keys", "none", "how many counters there may be: a count or none",
		func(c *Config) value { return number{&c.MaxKeys, "count"} }},
	{"min-free", "auto", "free disk space below which this node refuses writes: a percentage, a size or auto",
		func(c *Config) value { return number{&c.MinFree, "space"} }},
	{"max-clients", "10000", "how many clients may be connected at a time",
		func(c *Config) value { return number{&c.MaxClients, "count"} }},
	{"max-instances", "1000000", "how many instances of instance counters may be known: a count",
		func(c *Config) value { return number{&c.MaxInstances, "count"} }},
	{"max-sessions", "10000", "how many sessions of ONCE there may be: a count",
		func(c *Config) value { return number{&c.MaxSessions, "count"} }},
	{"dead-instance-threshold", "30s", "how long an instance counts without a sign of life, from 3s to 24h",
		func(c *Config) value { return span{&c.DeadInstance, 3 * time.Second, 24 * time.Hour} }},
	{"bind-grace", "1s", "how long a bound instance counts when its client has closed the connection, at most 1m",
		func(c *Config) value { return span{&c.BindGrace, 0, time.Minute} }},
	{"facade", "none", "what clients that look for another node find: none, sentinel or cluster",
		func(c *Config) value { return choice{&c.Facade, "facade", []string{"none", "sentinel", "cluster"}} }},
	{"master-name", "mymaster", "what the facade sentinel calls the cluster",
		func(c *Config) value { return text{&c.MasterName, "name"} }},
	{"snapshot-bytes", "64MiB", "how much log there is between two snapshots, at least",
		func(c *Config) value { return number{positive{&c.SnapshotBytes}, "size"} }},
	{"heartbeat", "150ms", "Raft: a follower without a word from the leader for so long stands for election",
		func(c *Config) value { return duration{&c.Heartbeat} }},
	{"election", "150ms", "Raft: how long a candidate waits for votes; at least heartbeat",
		func(c *Config) value { return duration{&c.Election} }},
	{"lease", "100ms", "Raft: a leader that can't reach a majority for so long steps down; at most heartbeat",
		func(c *Config) value { return duration{&c.Lease} }},
	{"log-level", "info", "trace, debug, info, warn, error or off",
		func(c *Config) value {
			return choice{&c.LogLevel, "level", []string{"trace", "debug", "info", "warn", "error", "off"}}
		}},
	{"log-json", "false", "log JSON objects instead of lines",
		func(c *Config) value { return yesno{&c.LogJSON} }},
}
