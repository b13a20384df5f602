package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/resp"
)

func TestClientsAreToldTheAdvertisedAddress(t *testing.T) {
	n := startNode(t, Config{ID: "n1", Dir: filepath.Join(t.TempDir(), "data"), Told: "counters.example:7379", Facade: resp.ClusterFacade})
	for _, question := range []string{"TRUECOUNT MEMBERS", "CLUSTER NODES", "CLUSTER SLOTS"} {
		want := "counters.example:7379"
		if question == "CLUSTER SLOTS" {
			want = "counters.example"
		}
		for deadline := time.After(patience); ; {
			_, out, _ := cli(append([]string{"do", "--node", n.config.RESP}, strings.Fields(question)...)...)
			if strings.Contains(out, want) {
				break
			}
			select {
			case <-deadline:
				t.Fatalf("%s never named %s: %s", question, want, out)
			case <-time.After(readyTick):
			}
		}
	}
}
