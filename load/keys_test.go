package load

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestDistributionsAreReadAndPrinted(t *testing.T) {
	for _, test := range []struct {
		text string
		want Distribution
	}{
		{"hot", Distribution{hot: true}},
		{"uniform", Distribution{}},
		{"zipf:0.5", Distribution{exponent: 0.5}},
		{"zipf:2", Distribution{exponent: 2}},
	} {
		got, err := ParseDistribution(test.text)
		if err != nil || got != test.want || got.String() != test.text {
			t.Errorf("%s: %+v, %v, printed %q", test.text, got, err, got)
		}
	}
	if d, err := ParseDistribution("zipf"); err != nil || d.exponent != zipfExponent {
		t.Errorf("zipf: %+v, %v", d, err)
	}
	for _, text := range []string{"", "Hot", "zipf:", "zipf:0", "zipf:-1", "zipf:11", "zipf:NaN", "hot:1", "uniform:2"} {
		if d, err := ParseDistribution(text); err == nil {
			t.Errorf("%q: read as %+v, want an error", text, d)
		}
	}
}

// shares are the exact chances that a table of aliases gives to each key.
func shares(cells []cell) []float64 {
	part := make([]float64, len(cells))
	for n, c := range cells {
		own := float64(c.own) / (1 << 32)
		part[n] += own / float64(len(cells))
		part[c.other] += (1 - own) / float64(len(cells))
	}
	return part
}

func TestZipfGivesEachKeyItsShare(t *testing.T) {
	for _, exponent := range []float64{0.01, 0.5, 0.99, 1, 2, 10} {
		for _, count := range []int{2, 3, 10, 1000, 54321} {
			got := shares(newKeys(count, Distribution{exponent: exponent}).cells)
			sum := 0.0
			for i := range count {
				sum += math.Pow(float64(i+1), -exponent)
			}
			for i := range count {
				want := math.Pow(float64(i+1), -exponent) / sum
				if math.Abs(got[i]-want) > 1e-9+1e-6*want {
					t.Fatalf("zipf:%v over %d keys: key %d has a share of %v, want %v", exponent, count, i, got[i], want)
				}
			}
		}
	}
}

func TestDrawsFollowTheDistribution(t *testing.T) {
	const draws = 200_000
	for _, test := range []struct {
		d     Distribution
		first float64 // share of key 0 of 100
		last  float64 // share of key 99
	}{
		{Distribution{hot: true}, 1, 0},
		{Distribution{}, 0.01, 0.01},
		{Distribution{exponent: 1}, 1 / 5.187, 1 / 518.7},
	} {
		k, random := newKeys(100, test.d), rand.NewPCG(1, 2)
		var drawn [100]float64
		for range draws {
			drawn[k.draw(random.Uint64())]++
		}
		for n, want := range map[int]float64{0: test.first, 99: test.last} {
			if got := drawn[n] / draws; math.Abs(got-want) > 5*math.Sqrt(want/draws) {
				t.Errorf("%v: key %d was drawn with a share of %.5f, want %.5f", test.d, n, got, want)
			}
		}
	}
}
