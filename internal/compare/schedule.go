package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"
)

const (
	turnTime      = 1500 * time.Millisecond // that a turn is to take
	calibrateTime = 200 * time.Millisecond  // that a load must have taken to tell how long another one will take
	calibrateRuns = 8                       // at most
	calibrateGrow = 10                      // times as many increments, at most, from one run to the next
	firstTrips    = 20                      // of every client, in the first run
)

// schedule says who is loaded when: in each round every case, in each case every entrant, each time beginning with another.
type schedule struct {
	entrants []entrant
	cases    []Case
	rounds   int
	referee  *referee
	progress io.Writer
	rates    map[pairing]float64 // increments a second, the last time
}

// pairing is an entrant, by index, in a case.
type pairing struct {
	entrant int
	c       Case
}

// run returns the turns there were, also with an error.
func (s *schedule) run(ctx context.Context) (turns []Turn, err error) {
	if err := s.calibrate(ctx); err != nil {
		return nil, err
	}
	start := time.Now()
	total := s.rounds * len(s.cases) * len(s.entrants)
	for round := 1; round <= s.rounds; round++ {
		fmt.Fprintf(s.progress, "round %d of %d%s\n", round, s.rounds, remaining(time.Since(start), len(turns), total))
		for i, c := range s.cases {
			for _, who := range order(len(s.entrants), round+i) {
				turn, err := s.referee.turn(ctx, s.entrants[who], c, s.requests(pairing{who, c}))
				turn.Round = round
				if err != nil {
					return turns, err
				}
				if turn.Failed == "" {
					s.rates[pairing{who, c}] = turn.PerSecond
				}
				turns = append(turns, turn)
			}
		}
	}
	return turns, nil
}

// order is 0 to n-1, beginning somewhere else for each shift.
func order(n, shift int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = (i + shift) % n
	}
	return all
}

func remaining(spent time.Duration, done, total int) string {
	if done == 0 {
		return ""
	}
	left := spent / time.Duration(done) * time.Duration(total-done)
	return fmt.Sprintf(", about %v left", left.Round(time.Second))
}

// calibrate loads every entrant in every case until its rate is known. What fails here would fail later, too.
func (s *schedule) calibrate(ctx context.Context) error {
	fmt.Fprintf(s.progress, "calibrating %d entrants in %d cases\n", len(s.entrants), len(s.cases))
	s.rates = map[pairing]float64{}
	for i, e := range s.entrants {
		for _, c := range s.cases {
			rate, err := calibrate(ctx, e, c)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", e, c, err)
			}
			s.rates[pairing{i, c}] = rate
		}
	}
	return nil
}

func calibrate(ctx context.Context, e entrant, c Case) (rate float64, err error) {
	requests := firstTrips * c.trip()
	for range calibrateRuns {
		load, err := e.load(c, requests)
		if err != nil {
			return 0, err
		}
		outcome, err := e.generator.Run(ctx, load)
		if err != nil {
			return 0, err
		}
		rate = outcome.PerSecond
		if float64(requests)/rate >= calibrateTime.Seconds() {
			break
		}
		requests = wholeTrips(c, min(2*rate*calibrateTime.Seconds(), calibrateGrow*float64(requests)))
	}
	return rate, nil
}

func (s *schedule) requests(p pairing) int { return wholeTrips(p.c, s.rates[p]*turnTime.Seconds()) }

// wholeTrips rounds up, and to one trip at least.
func wholeTrips(c Case, requests float64) int {
	return c.trip() * max(1, int(math.Ceil(requests/float64(c.trip()))))
}
