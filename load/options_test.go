package load

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOptionsThatCannotBeAreNamed(t *testing.T) {
	for _, test := range []struct {
		set  func(o *Options)
		want string // how the error begins
	}{
		{func(o *Options) { o.Nodes = nil }, "node: "},
		{func(o *Options) { o.Clients = 0 }, "clients 0: "},
		{func(o *Options) { o.Clients = MaxClients + 1 }, "clients 10001: "},
		{func(o *Options) { o.Clients, o.Nodes = 1, []string{"a:1", "b:1"} }, "clients 1: 2 nodes"},
		{func(o *Options) { o.Pipeline = 0 }, "pipeline 0: "},
		{func(o *Options) { o.Pipeline = MaxPipeline + 1 }, "pipeline 100001: "},
		{func(o *Options) { o.Keys = 0 }, "keys 0: "},
		{func(o *Options) { o.Keys = MaxKeys + 1 }, "keys 10000001: "},
		{func(o *Options) { o.Keys, o.Distribution = 2, Distribution{hot: true} }, "distribution hot: "},
		{func(o *Options) { o.Distribution = Distribution{exponent: 1} }, "distribution zipf: "},
		{func(o *Options) { o.KeyPrefix = strings.Repeat("x", MaxPrefix+1) }, "key-prefix: "},
		{func(o *Options) { o.Duration = 0 }, "duration: "},
		{func(o *Options) { o.Duration = -1 }, "duration -1ns: "},
		{func(o *Options) { o.Duration = MaxTime + 1 }, "duration 24h"},
		{func(o *Options) { o.Requests = -1 }, "requests -1: "},
		{func(o *Options) { o.Requests = 1 }, "requests: "},
		{func(o *Options) { o.Warmup = -1 }, "warmup -1ns: "},
		{func(o *Options) { o.Rate = -1 }, "rate -1: "},
		{func(o *Options) { o.Rate = math.NaN() }, "rate NaN: "},
		{func(o *Options) { o.Rate = math.Inf(1) }, "rate +Inf: "},
		{func(o *Options) { o.Wait = -1 }, "wait -1: "},
		{func(o *Options) { o.Wait, o.Operation = 1, Operation{percent: 100} }, "wait: "},
		{func(o *Options) { o.Wait, o.Operation = 1, Operation{write: set} }, "wait: "},
		{func(o *Options) { o.Verify, o.Operation = true, Operation{write: set} }, "verify: "},
		{func(o *Options) { o.Level = "stale" }, "level: "},
		{func(o *Options) { o.Level, o.Operation = "lax", Operation{percent: 100} }, `level "lax": `},
		{func(o *Options) { o.Level, o.Operation = "stale:", Operation{percent: 100} }, `level "stale:": `},
		{func(o *Options) { o.Level, o.Operation = "strong:1s", Operation{percent: 100} }, `level "strong:1s": `},
		{func(o *Options) { o.DisturbEvery = time.Second }, "kill-leader-every: "},
		{func(o *Options) { o.DisturbEvery = -1 }, "kill-leader-every -1ns: "},
	} {
		o := Defaults()
		o.Nodes = []string{"a:1"}
		if err := o.Check(); err != nil {
			t.Fatalf("the defaults: %v", err)
		}
		test.set(&o)
		err := o.Check()
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line that begins with %q", err, test.want)
		}
		if _, ran := Run(t.Context(), o); ran == nil || ran.Error() != err.Error() {
			t.Errorf("Run: %v, want %v", ran, err)
		}
	}
}

func TestLevelsBecomeCommands(t *testing.T) {
	for level, want := range map[string]string{
		"": "", "strong": "CONSISTENCY STRONG", "stale": "CONSISTENCY STALE", "stale:100ms": "CONSISTENCY STALE MAXAGE 100",
		"stale:1ns": "CONSISTENCY STALE MAXAGE 1", "stale:2s": "CONSISTENCY STALE MAXAGE 2000",
	} {
		got, err := (&Options{Level: level}).consistency()
		if err != nil || !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%q: %q, %v", level, got, err)
		}
	}
}
