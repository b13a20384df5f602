package history

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Histories of real runs, cut down to a key. What begins with anomaly is of a bug that was there; what begins with good was once taken for
// one, or is of a kind that is easily taken for one. They also keep the form of the files readable.
func TestOldHistoriesAreJudgedAsBefore(t *testing.T) {
	names, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(names) < 3 {
		t.Fatalf("error %v, histories %q", err, names)
	}
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		run, err := ReadRun(file)
		file.Close()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var anomalies []string
		for _, v := range Verify(run, time.Minute) {
			if v.Anomaly() || v.Checker == "linearizable" && v.Invalid {
				anomalies = append(anomalies, v.Checker+": "+v.Error)
			}
		}
		if bad := strings.HasPrefix(filepath.Base(name), "anomaly-"); bad != (len(anomalies) > 0) || len(run.Ops) == 0 {
			t.Errorf("%s: %d operations, anomalies %q", name, len(run.Ops), anomalies)
		}
	}
}
