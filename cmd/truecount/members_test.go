package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/truecount/truecount/fsm"
)

// led is a status of a cluster of n1, n2 and n3.
func led(term uint64, leader string) fsm.Status {
	s := fsm.Status{Term: term}
	for _, id := range []string{"n1", "n2", "n3"} {
		s.Members = append(s.Members, fsm.Member{Address: fsm.Address{ID: id}, ServerID: id + "-77"})
	}
	if leader != "" {
		s.Leader = &fsm.Address{ID: leader}
	}
	return s
}

func TestATransferNamesTheNewLeaderOrWhoLeadsInstead(t *testing.T) {
	none := fsm.Status{}
	for _, row := range []struct {
		name   string
		target []string
		before fsm.Status
		seen   []fsm.Status // one after the other; the last one stays; the zero Status: no answer
		says   string       // or how the error ends
	}{
		{"to whomever", nil, led(7, "n1"), []fsm.Status{led(7, "n1"), led(8, ""), led(8, "n3")}, "leader is n3\n"},
		{"the old leader in the new term", nil, led(7, "n1"), []fsm.Status{led(8, "n1"), none, led(8, "n2")}, "leader is n2\n"},
		{"an old word of another leader", nil, led(7, "n1"), []fsm.Status{led(6, "n2"), led(8, "n3")}, "leader is n3\n"},
		{"before: none", nil, led(7, ""), []fsm.Status{led(7, "n1"), led(8, "n1")}, "leader is n1\n"},
		{"to a name", []string{"n2"}, led(7, "n1"), []fsm.Status{led(8, "n1"), led(8, "n2")}, "leader is n2\n"},
		{"to a server id", []string{"n2-77"}, led(7, "n1"), []fsm.Status{led(8, "n1"), led(8, "n2")}, "leader is n2\n"},
		{"to who leads", []string{"n1"}, led(7, "n1"), []fsm.Status{led(7, "n1")}, "leader is n1\n"},
		{"to who leads, by server id", []string{"n1-77"}, led(7, "n1"), []fsm.Status{led(7, "n1")}, "leader is n1\n"},
		{"never", nil, led(7, "n1"), []fsm.Status{led(8, "n1")}, "says that n1 leads: see truecount status"},
		{"another", []string{"n2"}, led(7, "n1"), []fsm.Status{led(8, "n3"), none}, "says that n3 leads: see truecount status"},
		{"nobody", []string{"n2"}, led(7, "n1"), []fsm.Status{led(8, ""), none}, "does not know the new leader yet: see truecount status"},
	} {
		synctest.Test(t, func(t *testing.T) {
			seen := row.seen
			ask := func(context.Context) (fsm.Status, error) {
				now := seen[0]
				if len(seen) > 1 {
					seen = seen[1:]
				}
				if now.Term == 0 {
					return now, errors.New("no answer")
				}
				return now, nil
			}
			var out bytes.Buffer
			err := writeLeader(t.Context(), &out, ask, "127.0.0.1:7379", row.before, row.target)
			if err == nil && out.String() != row.says || err != nil && (out.Len() > 0 || !strings.HasSuffix(err.Error(), row.says)) {
				t.Errorf("%s: %q, %v; want %q", row.name, out.String(), err, row.says)
			}
		})
	}
}
