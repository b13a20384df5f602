package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/configs"
	"github.com/truecount/truecount/resp"
)

// write makes a file of a test.
func write(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// settings are what configs.Load makes of flags.
func settings(t *testing.T, flags map[string]string) *configs.Config {
	t.Helper()
	s, err := configs.Load(configs.Sources{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPrintConfigShowsEverySourceAndStartsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	t.Setenv("TRUECOUNT_CONFIG", write(t, "id = 'file'\nlog-level = 'debug'\nmax-keys = 5\nnonvoter = true"))
	t.Setenv("TRUECOUNT_LOG_LEVEL", "error")
	t.Setenv("TRUECOUNT_DIR", dir)
	args := []string{"serve", "--print-config", "--log-level", "warn", "--join", "a:1,b:2", "--join=c:3", "--insecure", "--nonvoter=false"}
	code, out, errs := cli(args...)
	if code != 0 || errs != "" {
		t.Fatalf("exit code %d, stderr %q", code, errs)
	}
	for _, want := range []string{
		`id = "file"  # ` + os.Getenv("TRUECOUNT_CONFIG"),
		`dir = "` + dir + `"  # TRUECOUNT_DIR`,
		`resp = "127.0.0.1:7379"  # default`,
		`join = ["a:1", "b:2", "c:3"]  # --join`,
		`insecure = true  # --insecure`,
		`nonvoter = false  # --nonvoter`,
		`log-level = "warn"  # --log-level`,
	} {
		if !slices.Contains(strings.Split(out, "\n"), want) {
			t.Errorf("no line %s in\n%s", want, out)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the data directory: %v, want none", err)
	}

	printed := write(t, out)
	t.Setenv("TRUECOUNT_CONFIG", "")
	t.Setenv("TRUECOUNT_LOG_LEVEL", "")
	t.Setenv("TRUECOUNT_DIR", "")
	code, again, errs := cli("serve", "--print-config", "--config", printed)
	if code != 0 || errs != "" || values(again) != values(out) {
		t.Errorf("loaded again: exit code %d, %q,\n%swant the values of\n%s", code, errs, again, out)
	}
}

// values are the lines of a printed configuration without their comments.
func values(printed string) string {
	var lines []string
	for line := range strings.Lines(printed) {
		line, _, _ = strings.Cut(line, "  # ")
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestEverySettingReachesTheProgram(t *testing.T) {
	s := settings(t, map[string]string{
		"id": "n7", "dir": "/data", "resp": "127.0.0.1:1", "peer": "127.0.0.1:2", "join": "127.0.0.1:3", "insecure": "true",
		"secret-file": write(t, "0123456789abcdef\n"), "password-file": write(t, "open sesame\n"), "nonvoter": "true", "log-store": "bolt", "max-bytes": "2GiB",
		"max-keys": "5", "min-free": "7%", "snapshot-bytes": "1GB", "heartbeat": "3s", "election": "4s", "lease": "2s",
		"advertise": "10.0.0.1:6", "advertise-peer": "10.0.0.1:7", "facade": "sentinel", "master-name": "m", "max-clients": "8",
		"max-instances": "10", "max-sessions": "11", "dead-instance-threshold": "12s", "bind-grace": "13ms",
	})
	var log bytes.Buffer
	c, err := newConfig(s, &log, &log)
	if err != nil || log.Len() > 0 {
		t.Fatalf("%v, log %q", err, &log)
	}
	if c.ID != "n7" || c.Dir != "/data" || c.RESP != "127.0.0.1:1" || c.Peer != "127.0.0.1:2" || !c.Insecure || !c.Nonvoter ||
		!slices.Equal(c.Join, []string{"127.0.0.1:3"}) || string(c.Secret) != "0123456789abcdef" || string(c.Password) != "open sesame" || c.LogStore != "bolt" ||
		c.MaxBytes != (configs.MaxBytes{Size: 2 << 30}) || c.MaxKeys != 5 || c.MinFree != (configs.MinFree{Percent: 7}) ||
		c.SnapshotBytes != 1e9 || c.Told != "10.0.0.1:6" || c.ToldPeer != "10.0.0.1:7" ||
		c.Facade != resp.SentinelFacade || c.MasterName != "m" ||
		c.Timing != (cluster.Timing{Heartbeat: 3 * time.Second, Election: 4 * time.Second, Lease: 2 * time.Second}) ||
		c.MaxClients != 8 || c.BindGrace != 13*time.Millisecond {
		t.Errorf("%+v", c)
	}
	limit := func(n uint64) cluster.Limit { return cluster.Limit{Value: n, Given: true} }
	want := cluster.Limits{Bytes: limit(2 << 30), Keys: limit(5), Instances: limit(10), Sessions: limit(11), Lease: limit(12_000)}
	if got := c.limits(); got != want {
		t.Errorf("limits %+v, want %+v", got, want)
	}
	if c.Version == "" || c.Logger == nil || c.Ready == nil {
		t.Errorf("version %q, logger %v, ready %v", c.Version, c.Logger, c.Ready)
	}
}

func TestAnOpenSecretFileIsAWarning(t *testing.T) {
	name := write(t, "0123456789abcdef")
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c, err := newConfig(settings(t, map[string]string{"secret-file": name}), &log, &log)
	if err != nil || len(c.Secret) != 16 || !strings.Contains(log.String(), "chmod 600") || !strings.Contains(log.String(), name) {
		t.Errorf("secret %q, %v, log %q; want a warning", c.Secret, err, &log)
	}
}

func TestTheDoorAsksForInsecureThePeerPortForASecret(t *testing.T) {
	secret := []byte("0123456789abcdef")
	const near, far, all = "127.0.0.1:7379", "10.1.2.3:7379", "0.0.0.0:7379"
	for _, test := range []struct {
		config     Config
		flag, want string // of the error; empty: allowed
	}{
		{Config{RESP: near}, "", ""},
		{Config{RESP: far}, "--resp", "add --insecure"},
		{Config{RESP: far, Secret: secret}, "--resp", "add --insecure"},
		{Config{RESP: far, Secret: secret, Password: []byte("open sesame")}, "", ""},
		{Config{RESP: far, Insecure: true}, "--peer 10.1.2.3:17379", "--secret-file"},
		{Config{RESP: far, Peer: near, Insecure: true}, "", ""},
		{Config{RESP: near, Peer: far}, "--peer", "--secret-file"},
		{Config{RESP: near, Peer: far, Insecure: true}, "--peer", "--secret-file"},
		{Config{RESP: near, Peer: far, Secret: secret}, "", ""},
		{Config{RESP: far, Insecure: true, Secret: secret}, "", ""},
		{Config{RESP: near, Peer: "0.0.0.0:17379", Secret: secret}, "--peer", "names no interface"},
		{Config{RESP: all, Peer: near, Insecure: true}, "--resp", "say with --advertise"},
		{Config{RESP: all, Peer: near, Insecure: true, Told: far}, "", ""},
		{Config{RESP: ":7379", Peer: near, Insecure: true, Told: far}, "", ""},
		{Config{RESP: "[::]:7379", Peer: near, Insecure: true, Told: far}, "", ""},
		{Config{RESP: all, Peer: near, Told: far}, "--resp", "add --insecure"},
		{Config{RESP: all, Insecure: true, Told: far}, "--peer", "names no interface"},
		{Config{RESP: all, Insecure: true, Told: far, Secret: secret}, "--peer", "say with --advertise-peer"},
		{Config{RESP: all, Insecure: true, Told: far, ToldPeer: far, Secret: secret}, "", ""},
		{Config{RESP: near, Peer: all, ToldPeer: far, Secret: secret}, "", ""},
		{Config{RESP: near, Peer: all, ToldPeer: far}, "--peer", "--secret-file"},
		{Config{RESP: near, Peer: ":99999", ToldPeer: far, Secret: secret}, "--peer", "the port must be"},
		{Config{RESP: near, ToldPeer: far}, "", ""},
		{Config{RESP: near, ToldPeer: "10.1.2.3"}, "--advertise-peer", "is not an address"},
		{Config{RESP: near, ToldPeer: "10.1.2.3:0"}, "--advertise-peer", "give the host and the port"},
		{Config{RESP: near, ToldPeer: all}, "--advertise-peer", "names no interface"},
		{Config{RESP: near, Told: "10.1.2.3"}, "--advertise", "is not an address"},
		{Config{RESP: near, Told: ":7379"}, "--advertise", "give the host and the port"},
		{Config{RESP: near, Told: all}, "--advertise", "names no interface"},
	} {
		checkError(t, test.config.RESP+" "+test.config.Peer, test.config.check(), test.flag, test.want)
	}
}

func TestDefaultsThatAreKnownElsewhereAgree(t *testing.T) {
	s, timing := settings(t, nil), cluster.DefaultTiming()
	if s.RESP != defaultNode {
		t.Errorf("--resp is %s by default, --node of other commands %s", s.RESP, defaultNode)
	}
	if s.Heartbeat != timing.Heartbeat || s.Election != timing.Election || s.Lease != timing.Lease {
		t.Errorf("timing %v %v %v, want cluster's %+v", s.Heartbeat, s.Election, s.Lease, timing)
	}
	if c, err := newConfig(s, nil, nil); err != nil || c.Facade != resp.NoFacade {
		t.Errorf("facade %q, %v, want none", c.Facade, err)
	}
	for _, level := range []string{"trace", "debug", "info", "warn", "error", "off"} {
		if _, err := newConfig(settings(t, map[string]string{"log-level": level}), nil, nil); err != nil {
			t.Errorf("log level %s: %v", level, err)
		}
	}
}
