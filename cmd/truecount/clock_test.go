package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAShiftedClockIsAsWrongAsItsFileSays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	now := shiftedClock(file)
	for text, want := range map[string]time.Duration{
		"": 0, "300000\n": 5 * time.Minute, "-300000": -5 * time.Minute, "torn": 0,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if off := time.Until(now()); (off - want).Abs() > 10*time.Second {
			t.Errorf("%q: the clock is off by %v, want %v", text, off, want)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if off := time.Until(now()); off.Abs() > 10*time.Second {
		t.Errorf("without a file the clock is off by %v", off)
	}
}
