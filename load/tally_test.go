package load

import (
	"strings"
	"testing"
)

func TestLostAndDoubledIncrementsAreFound(t *testing.T) {
	for _, test := range []struct {
		name                 string
		acked, open, told    []int64
		values               []int64
		lost, doubled, wrong int64
		want                 string
	}{
		{"all well", []int64{5, 0, 1_234_000}, []int64{0, 0, 0}, nil, []int64{5, 0, 1_234_000}, 0, 0, 0,
			"verified: 1,234,005 acknowledged = value, 0 lost, 0 doubled over 3 keys"},
		{"unanswered, some counted", []int64{5, 3}, []int64{2, 1}, nil, []int64{7, 3}, 0, 0, 0,
			"verified: 8 acknowledged → value 10, 0 lost, 0 doubled, 3 unanswered (2 counted) over 2 keys"},
		{"unanswered, none counted", []int64{5}, []int64{2}, nil, []int64{5}, 0, 0, 0,
			"verified: 5 acknowledged = value, 0 lost, 0 doubled, 2 unanswered (0 counted) over 1 key"},
		{"one lost", []int64{5, 3}, []int64{0, 0}, nil, []int64{5, 2}, 1, 0, 1, "WRONG: 8 acknowledged → value 7, 1 lost, 0 doubled over 2 keys\n" +
			"  k1: 3 acknowledged, 0 unanswered, value 2: 1 lost, 0 doubled"},
		{"one doubled", []int64{5, 3}, []int64{0, 0}, nil, []int64{6, 3}, 0, 1, 1, "WRONG: 8 acknowledged → value 9"},
		{"one lost here and one doubled there", []int64{5, 3}, []int64{0, 0}, nil, []int64{6, 2}, 1, 1, 2, "WRONG: 8 acknowledged = value, 1 lost, 1 doubled"},
		{"doubled beyond the unanswered", []int64{5}, []int64{2}, nil, []int64{8}, 0, 1, 1, "WRONG: 5 acknowledged → value 8, 0 lost, 1 doubled, 2 unanswered over 1 key"},
		{"lost although others are unanswered", []int64{5}, []int64{2}, nil, []int64{4}, 1, 0, 1, "WRONG"},
		{"lost as many as unanswered ones counted", []int64{985}, []int64{20}, []int64{1000}, []int64{985}, 15, 0, 1,
			"WRONG: 985 acknowledged = value, 15 lost, 0 doubled, 20 unanswered over 1 key\n" +
				"  k0: 985 acknowledged, 20 unanswered, told up to 1,000, value 985: 15 lost, 0 doubled"},
		{"more lost than the told value shows", []int64{30, 3}, []int64{0, 0}, []int64{25, 3}, []int64{20, 3}, 10, 0, 1, "WRONG"},
		{"told what is there", []int64{985}, []int64{20}, []int64{1000}, []int64{1000}, 0, 0, 0, "verified"},
	} {
		tally := newTally(len(test.acked))
		for k := range test.acked {
			tally.add(uint32(k), acknowledged, test.acked[k], 0)
			tally.add(uint32(k), doubtful, test.open[k], 5000)
			tally.add(uint32(k), rejected, 100, 0)
			if test.told != nil {
				tally.add(uint32(k), acknowledged, 0, test.told[k])
				tally.add(uint32(k), acknowledged, 0, 2) // older news
			}
		}
		v := tally.compare(test.values, newEncoder("k", len(test.acked), 0).key)
		if v.Lost != test.lost || v.Doubled != test.doubled || int64(len(v.Wrong)) != test.wrong || v.OK() != (test.wrong == 0) {
			t.Errorf("%s: %+v", test.name, v)
		}
		if got := v.String(); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

func TestAVerdictNamesTenKeysAtMost(t *testing.T) {
	tally := newTally(1000)
	for k := range uint32(1000) {
		tally.add(k, acknowledged, 1, 1)
	}
	if v := tally.compare(make([]int64, 1000), newEncoder("k", 1000, 0).key); v.Lost != 1000 || len(v.Wrong) != maxWrong {
		t.Errorf("%d lost, %d named", v.Lost, len(v.Wrong))
	}
}

func TestAValueThatIsHandedOutTwiceIsFound(t *testing.T) {
	tally := newTally(1)
	for _, value := range []int64{1, 2, 3, chunkBits, chunkBits + 1, 64, 63, 2, chunkBits + 1, -1, -1, maxWitnessed, maxWitnessed} {
		tally.witness(value)
	}
	tally.add(0, acknowledged, 10, 10)
	v := tally.compare([]int64{10}, newEncoder("k", 1, 0).key)
	if v.RepeatedValues != 2 || v.OK() || !strings.Contains(v.String(), "handed out more than once: 2") {
		t.Errorf("%+v: %s", v, v)
	}
}
