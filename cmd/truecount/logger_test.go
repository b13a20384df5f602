package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// say logs one line of each sort and returns which of them came out.
func say(t *testing.T, level string) string {
	t.Helper()
	var out bytes.Buffer
	logger, err := newLogger(&out, level, false)
	if err != nil {
		t.Fatal(err)
	}
	raft := logger.Named("cluster").Named("raft")
	logger.Debug("our-debug")
	logger.Info("our-info")
	logger.Error("our-error")
	raft.Debug("raft-debug")
	raft.Info("raft-info")
	raft.Warn("raft-warn")
	raft.Error(perAttempt[0])
	var heard []string
	for _, word := range []string{"our-debug", "our-info", "our-error", "raft-debug", "raft-info", "raft-warn", perAttempt[0]} {
		if strings.Contains(out.String(), word) {
			heard = append(heard, word)
		}
	}
	return strings.Join(heard, " ")
}

func TestRaftSpeaksUpOnlyWhenAskedOrWorried(t *testing.T) {
	for _, test := range []struct{ level, want string }{
		{"debug", "our-debug our-info our-error raft-debug raft-info raft-warn " + perAttempt[0]},
		{"info", "our-info our-error raft-warn"},
		{"error", "our-error"},
		{"off", ""},
	} {
		if got := say(t, test.level); got != test.want {
			t.Errorf("level %s: %q, want %q", test.level, got, test.want)
		}
	}
}

func TestLogLinesAreJSONOnRequest(t *testing.T) {
	var out bytes.Buffer
	logger, err := newLogger(&out, "info", true)
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("member joined", "id", "n2")
	line := map[string]any{}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["@message"] != "member joined" || line["id"] != "n2" {
		t.Errorf("%s: %v", &out, err)
	}
	if _, err := newLogger(&out, "loud", false); err == nil || hclog.LevelFromString("loud") != hclog.NoLevel {
		t.Error("level loud: no error")
	}
}

func TestNothingIsSaidBehindTheLineThatANodeEndsWith(t *testing.T) {
	var out bytes.Buffer
	said := &output{w: &out}
	logger, err := newLogger(said, "info", false)
	if err != nil {
		t.Fatal(err)
	}
	raft := logger.Named("raft")
	raft.Error("first")
	said.end()
	raft.Error("second")
	if got := out.String(); !strings.Contains(got, "first") || strings.Contains(got, "second") {
		t.Errorf("it has said %q", got)
	}
}
