package configs

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// FileVariable is the environment variable that names a configuration file, as --config does.
const FileVariable = prefix + "CONFIG"

// Config is what a node is told. A Config comes from Load; OPERATIONS.md has what each field does.
type Config struct {
	ID            string   // the node's name; empty: as in Dir, or drawn
	Dir           string   // data directory
	RESP          string   // host:port of the door for clients
	Peer          string   // host:port for other nodes; empty: from RESP
	Advertise     string   // host:port of the door as others are told; empty: RESP
	AdvertisePeer string   // host:port of the peer port as others are told; empty: Peer
	Join          []string // RESP addresses of nodes whose cluster to join
	Insecure      bool     // the door may listen beyond loopback
	SecretFile    string   // for ReadSecret; empty: the peer port stays on loopback
	PasswordFile  string   // for ReadPassword; empty: clients need none
	Nonvoter      bool     // a member that never votes
	LogStore      string   // "wal" or "bolt"
	MaxBytes      MaxBytes
	MaxKeys       MaxKeys
	MinFree       MinFree
	MaxClients    MaxClients
	MaxInstances  Count
	MaxSessions   Count
	DeadInstance  time.Duration // 3 s to 24 h: how long an instance lives without a sign, unless it says otherwise
	BindGrace     time.Duration // 0 to 1 m: how long one lives whose client has closed its connection
	Facade        string        // "none", "sentinel" or "cluster"
	MasterName    string        // of the facade sentinel
	SnapshotBytes Size          // of log between two images; above 0
	Heartbeat     time.Duration // Raft's timing, in an order that works
	Election      time.Duration
	Lease         time.Duration
	LogLevel      string // trace, debug, info, warn, error or off
	LogJSON       bool

	sources map[string]string // by setting: where its value came from
}

// Sources are what Load reads. The zero value means defaults.
type Sources struct {
	Flags   map[string]string // texts of the flags that were given, by setting; lists by comma
	Environ []string          // as of os.Environ
	File    string            // of --config; empty: FileVariable's, if any
}

// Load reads the file, then the environment, then the flags; the later wins. It refuses every value that is not allowed, also
// one that would be overridden, and every key and variable that is not known. The error is one line.
func Load(s Sources) (*Config, error) {
	c := &Config{sources: map[string]string{}}
	for _, setting := range settings {
		if err := c.set(setting, setting.Default, "default"); err != nil {
			return nil, fmt.Errorf("BUG: default of %s: %w", setting.Name, err)
		}
	}
	variables, file, err := readEnvironment(s.Environ)
	if err != nil {
		return nil, err
	}
	if s.File != "" {
		file = s.File
	}
	texts, err := readFile(file)
	if err != nil {
		return nil, err
	}
	for _, setting := range settings {
		name := setting.Name
		if text, ok := texts[name]; ok {
			if err := c.set(setting, text, file); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", file, name, err)
			}
		}
		if text, ok := variables[name]; ok {
			if err := c.set(setting, text, setting.Variable()); err != nil {
				return nil, fmt.Errorf("%s: %w", setting.Variable(), err)
			}
		}
		if text, ok := s.Flags[name]; ok {
			if err := c.set(setting, text, "--"+name); err != nil {
				return nil, fmt.Errorf("--%s: %w", name, err)
			}
		}
	}
	return c, c.check()
}

func (c *Config) set(s Setting, text, source string) error {
	c.sources[s.Name] = source
	return s.field(c).set(text)
}

// minTiming is the least that Raft takes (hashicorp/raft: config.go, ValidateConfig).
const minTiming = 5 * time.Millisecond

// check refuses what Raft would refuse later, when the directory is made already, and what would never work.
func (c *Config) check() error {
	heartbeat, election, lease := c.told("heartbeat", c.Heartbeat), c.told("election", c.Election), c.told("lease", c.Lease)
	switch {
	case min(c.Heartbeat, c.Election, c.Lease) < minTiming:
		return fmt.Errorf("%s, %s, %s: give at least %v each", heartbeat, election, lease, minTiming)
	case c.Lease > c.Heartbeat:
		return fmt.Errorf("%s is longer than %s: two nodes could lead at once; give less", lease, heartbeat)
	case c.Election < c.Heartbeat:
		return fmt.Errorf("%s is shorter than %s: no election would end; give as much or more", election, heartbeat)
	case c.MasterName == "" || strings.ContainsFunc(c.MasterName, unicode.IsSpace):
		return fmt.Errorf("--master-name %q: give a name without blanks, such as mymaster", c.MasterName)
	}
	return nil
}

// told names a setting as its flag, with its value and where that came from.
func (c *Config) told(name string, value time.Duration) string {
	flag := "--" + name
	if c.sources[name] == flag {
		return fmt.Sprintf("%s %v", flag, value)
	}
	return fmt.Sprintf("%s %v (%s)", flag, value, c.sources[name])
}
