package sim

import (
	"testing"
	"time"
)

// A campaign that can't fail proves nothing: here disks forget entries that were synced, and all nodes crash at once.
func TestACampaignFindsDisksThatForget(t *testing.T) {
	p := drawPlan(1)
	p.setup.nodes, p.setup.nonvoter, p.setup.pace, p.setup.length = 3, false, 1, 8*time.Second
	p.setup.think, p.setup.look, p.setup.clients = 30*time.Millisecond, 50*time.Millisecond, []string{"hot", "once", "hot", "floor"}
	p.faults = nil
	for at := time.Second; at < p.setup.length; at += 2 * time.Second {
		p.faults = append(p.faults, fault{at: at, verb: "crash-all", target: "all", length: 300 * time.Millisecond, amount: 1})
	}
	if o := watchedTrial(t, p); len(o.anomalies) > 0 || o.invalid != "" {
		t.Errorf("with good disks: %v %s", o.anomalies, o.invalid)
	}
	p.setup.forgetful = true
	o := watchedTrial(t, p)
	if len(o.anomalies) == 0 {
		t.Fatal("found nothing")
	}
	for _, anomaly := range o.anomalies {
		t.Logf("found: %.200s", anomaly)
	}
}
