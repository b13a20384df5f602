package configs

import "testing"

func TestVariablesOfOthersAreLeftAlone(t *testing.T) {
	got := load(t, Sources{Environ: []string{
		"HOME=/root", "truecount_id=n9", "TRUECOUNTER=1", "PATH", "=C:=C:\\",
		"TRUECOUNT_SERVICE_HOST=10.0.0.1", "TRUECOUNT_SERVICE_PORT=7379", "TRUECOUNT_SERVICE_PORT_RESP=7379",
		"TRUECOUNT_PORT=tcp://10.0.0.1:7379", "TRUECOUNT_PORT_7379_TCP=tcp://10.0.0.1:7379",
		"TRUECOUNT_PORT_7379_TCP_PROTO=tcp", "TRUECOUNT_PORT_7379_TCP_PORT=7379", "TRUECOUNT_PORT_7379_TCP_ADDR=10.0.0.1",
		"TRUECOUNT_CLIENTS_SERVICE_HOST=10.0.0.2", "TRUECOUNT_CLIENTS_PORT=udp://10.0.0.2:1",
		"TRUECOUNT_CLIENTS_PORT_1_UDP_ADDR=10.0.0.2",
	}})
	if want := load(t, Sources{}); got.ID != want.ID || got.RESP != want.RESP || len(got.sources) != len(want.sources) {
		t.Errorf("%+v, want defaults", got)
	}
}

func TestUnknownVariablesAreRefused(t *testing.T) {
	for variable, want := range map[string]string{
		"TRUECOUNT_MAX_BYTE=1GiB":       "unknown variable TRUECOUNT_MAX_BYTE in the environment: did you mean TRUECOUNT_MAX_BYTES?",
		"TRUECOUNT_MAX-BYTES=1GiB":      "did you mean TRUECOUNT_MAX_BYTES?",
		"TRUECOUNT_max_bytes=1GiB":      "did you mean TRUECOUNT_MAX_BYTES?",
		"TRUECOUNT_CONF=x.toml":         "did you mean TRUECOUNT_CONFIG?",
		"TRUECOUNT_PORT=7379":           "unknown variable TRUECOUNT_PORT ",
		"TRUECOUNT_PEER_PORT=17379":     "unknown variable TRUECOUNT_PEER_PORT ",
		"TRUECOUNT_PORT_RESP=7379":      "unknown variable TRUECOUNT_PORT_RESP ",
		"TRUECOUNT_PRINT_CONFIG=1":      "unset it; truecount serve --help",
		"TRUECOUNT_=1":                  "unknown variable TRUECOUNT_ ",
		"TRUECOUNT_HEARTBEAT=150":       `TRUECOUNT_HEARTBEAT: "150" is not a duration`,
		"TRUECOUNT_INSECURE=yes":        `TRUECOUNT_INSECURE: "yes" is neither: give true or false`,
		"TRUECOUNT_JOIN=a:1,,":          "TRUECOUNT_JOIN: ",
		"TRUECOUNT_CONFIG=/no/such.any": "configuration file /no/such.any: ",
	} {
		_, err := Load(Sources{Environ: []string{variable}})
		wantError(t, variable, err, want)
	}
}

func TestAnEmptyVariableIsNotSet(t *testing.T) {
	c := load(t, Sources{
		File:    fileOf(t, `dir = "/data"`),
		Environ: []string{"TRUECOUNT_DIR=", "TRUECOUNT_CONFIG=", "TRUECOUNT_MAX_BYTES=", "TRUECOUNT_NO_SUCH="},
	})
	if c.Dir != "/data" || !c.MaxBytes.Auto {
		t.Errorf("dir %q, max-bytes %+v, want the file's and the default", c.Dir, c.MaxBytes)
	}
}

func TestAnEmptyFlagIsSet(t *testing.T) {
	c := load(t, Sources{File: fileOf(t, `join = ["127.0.0.1:7379"]`), Flags: map[string]string{"join": ""}})
	if len(c.Join) != 0 {
		t.Errorf("join %q, want none", c.Join)
	}
}
