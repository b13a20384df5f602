package configs

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// load is Load without an error.
func load(t *testing.T, s Sources) *Config {
	t.Helper()
	c, err := Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fileOf is a configuration file with the given lines.
func fileOf(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "truecount.toml")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// wantError wants one line that holds every part.
func wantError(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want one with %q", what, parts)
		return
	}
	for _, part := range append(parts, "") {
		if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %q, want one line with %q", what, err, part)
		}
	}
}

func TestFlagsWinOverVariablesOverTheFileOverDefaults(t *testing.T) {
	const file, variable, flag = "file", "TRUECOUNT_ID", "--id"
	for _, given := range [][]string{
		{},
		{file}, {variable}, {flag},
		{variable, file}, {flag, file}, {flag, variable},
		{flag, variable, file},
	} {
		s, want := Sources{}, "" // each source names itself
		if len(given) > 0 {
			want = given[0] // the strongest stands first
		}
		if slices.Contains(given, file) {
			s.File = fileOf(t, `id = "file"`)
		}
		if slices.Contains(given, variable) {
			s.Environ = []string{"HOME=/", "TRUECOUNT_ID=" + variable}
		}
		if slices.Contains(given, flag) {
			s.Flags = map[string]string{"id": flag}
		}
		if got := load(t, s).ID; got != want {
			t.Errorf("given %v: the value of %q, want %q", given, got, want)
		}
	}
}

func TestEverySettingComesFromEverySource(t *testing.T) {
	other := map[string]string{ // a value for each that is not its default
		"id": "n7", "dir": "/data", "resp": "127.0.0.1:1", "peer": "127.0.0.1:2", "join": "127.0.0.1:3,127.0.0.1:4",
		"insecure": "true", "secret-file": "/secret", "password-file": "/password", "nonvoter": "true", "log-store": "bolt", "max-bytes": "2GiB",
		"max-keys": "5000", "min-free": "7%", "max-clients": "200", "snapshot-bytes": "1GB", "heartbeat": "1s", "election": "2s",
		"lease": "900ms", "log-level": "debug", "log-json": "true", "advertise": "10.0.0.1:6", "advertise-peer": "10.0.0.1:7",
		"facade": "cluster", "master-name": "m",
		"max-instances": "300", "max-sessions": "400", "dead-instance-threshold": "10s", "bind-grace": "0s",
	}
	var environ, lines []string
	for _, s := range Settings() {
		if other[s.Name] == "" || other[s.Name] == s.Default {
			t.Fatalf("%s: this test needs another value than its default", s.Name)
		}
		environ = append(environ, s.Variable()+"="+other[s.Name])
		switch s.Kind() {
		case "bool":
			lines = append(lines, s.Name+" = true")
		case "addresses":
			lines = append(lines, s.Name+` = ["`+strings.ReplaceAll(other[s.Name], ",", `", "`)+`"]`)
		default:
			lines = append(lines, s.Name+` = "`+other[s.Name]+`"`)
		}
	}
	want := &Config{
		Advertise: "10.0.0.1:6", AdvertisePeer: "10.0.0.1:7", Facade: "cluster", MasterName: "m",
		MaxInstances: 300, MaxSessions: 400, DeadInstance: 10 * time.Second, BindGrace: 0,
		ID: "n7", Dir: "/data", RESP: "127.0.0.1:1", Peer: "127.0.0.1:2", Join: []string{"127.0.0.1:3", "127.0.0.1:4"},
		Insecure: true, SecretFile: "/secret", PasswordFile: "/password", Nonvoter: true, LogStore: "bolt", MaxBytes: MaxBytes{Size: 2 << 30},
		MaxKeys: 5000, MinFree: MinFree{Percent: 7}, MaxClients: 200, SnapshotBytes: 1e9, Heartbeat: time.Second,
		Election: 2 * time.Second, Lease: 900 * time.Millisecond, LogLevel: "debug", LogJSON: true,
	}
	for name, s := range map[string]Sources{
		"flags":     {Flags: maps.Clone(other)},
		"variables": {Environ: environ},
		"a file":    {File: fileOf(t, lines...)},
	} {
		got := load(t, s)
		got.sources = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("from %s: %+v\nwant %+v", name, got, want)
		}
	}
}

func TestABadValueIsRefusedThoughAnotherWouldWin(t *testing.T) {
	name := fileOf(t, `max-bytes = "much"`)
	_, err := Load(Sources{File: name, Flags: map[string]string{"max-bytes": "1GiB"}})
	wantError(t, "bad value in the file", err, name+": max-bytes: ", `"much" is not a size`)
	_, err = Load(Sources{Environ: []string{"TRUECOUNT_MAX_BYTES=much"}, Flags: map[string]string{"max-bytes": "1GiB"}})
	wantError(t, "bad variable", err, "TRUECOUNT_MAX_BYTES: ", `"much" is not a size`)
	_, err = Load(Sources{Flags: map[string]string{"max-bytes": "much"}})
	wantError(t, "bad flag", err, "--max-bytes: ", `"much" is not a size`)
}

func TestTimingsThatCouldNotWorkAreRefused(t *testing.T) {
	for _, test := range []struct{ heartbeat, election, lease, want string }{
		{"150ms", "150ms", "150ms", ""},
		{"150ms", "150ms", "151ms", "--lease 151ms is longer"},
		{"150ms", "149ms", "100ms", "--election 149ms is shorter"},
		{"5ms", "5ms", "5ms", ""},
		{"150ms", "150ms", "4ms", "give at least 5ms"},
	} {
		_, err := Load(Sources{Flags: map[string]string{
			"heartbeat": test.heartbeat, "election": test.election, "lease": test.lease,
		}})
		if test.want != "" {
			wantError(t, test.lease, err, test.want)
		} else if err != nil {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestTheFlagNamesTheFileBeforeTheVariableDoes(t *testing.T) {
	environ := []string{"TRUECOUNT_CONFIG=" + fileOf(t, `id = "variable"`)}
	if got := load(t, Sources{Environ: environ}).ID; got != "variable" {
		t.Errorf("id %q, want that of TRUECOUNT_CONFIG's file", got)
	}
	if got := load(t, Sources{Environ: environ, File: fileOf(t, `id = "flag"`)}).ID; got != "flag" {
		t.Errorf("id %q, want that of --config's file", got)
	}
}

func TestAMasterNameIsOneWord(t *testing.T) {
	for _, name := range []string{"", "my master", "m\n"} {
		_, err := Load(Sources{Flags: map[string]string{"master-name": name}})
		wantError(t, name, err, "--master-name", "without blanks")
	}
}

func TestDurationsOfInstancesHaveBounds(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"dead-instance-threshold", "3s", ""}, {"dead-instance-threshold", "24h", ""}, {"dead-instance-threshold", "3.001s", ""},
		{"dead-instance-threshold", "2999ms", "from 3s to 24h0m0s"}, {"dead-instance-threshold", "24h0m0.001s", "from 3s to 24h0m0s"},
		{"dead-instance-threshold", "3.0005s", "give whole milliseconds"}, {"dead-instance-threshold", "30", "with a unit"},
		{"bind-grace", "0s", ""}, {"bind-grace", "1m", ""}, {"bind-grace", "61s", "from 0s to 1m0s"}, {"bind-grace", "-1ms", "from 0s to 1m0s"},
	} {
		_, err := Load(Sources{Flags: map[string]string{test.name: test.text}})
		if test.want != "" {
			wantError(t, test.name+" "+test.text, err, test.want)
		} else if err != nil {
			t.Errorf("%s %s: %v", test.name, test.text, err)
		}
	}
}
