package main

import (
	"context"
	"fmt"
	"time"
)

// Turn is one load of one entrant, as it is written to the file of --json.
type Turn struct {
	Round     int    `json:"round"` // from 1
	Entrant   string `json:"entrant"`
	Generator string `json:"generator"`
	Case
	Requests int `json:"requests"`
	Outcome
	Flushes   float64 `json:"flushes_per_increment"` // of the disk, for everybody; 0: it counts none
	Others    float64 `json:"others_cores"`          // used by what has no part in the turn
	Disturbed bool    `json:"disturbed"`             // by others, or by a change of leaders; it was then made twice, if there was time
	Failed    string  `json:"failed,omitempty"`      // why there are no figures
}

// miscount is the one thing for which there is no excuse.
type miscount struct {
	turn      Turn
	witness   string
	got, want int64
}

func (m miscount) Error() string {
	return fmt.Sprintf("%s, %s: %d increments were acknowledged and %s counted %d: the figures are void",
		m.turn.Entrant, m.turn.Case, m.want, m.witness, m.got)
}

// referee makes turns and sees to it that they are fair.
type referee struct {
	dir    string // whose disk is watched
	settle func(context.Context) time.Duration
	spent  time.Duration // of quietBudget
}

// turn loads an entrant, twice if the first time was disturbed or failed. An error is a miscount or the end of ctx: what else
// goes wrong is in the Turn.
func (r *referee) turn(ctx context.Context, e entrant, c Case, requests int) (Turn, error) {
	first, err := r.attempt(ctx, e, c, requests)
	if err != nil || first.Failed == "" && !first.Disturbed || r.spent >= quietBudget {
		return first, err
	}
	start := time.Now()
	second, err := r.attempt(ctx, e, c, requests)
	r.spent += time.Since(start)
	if err != nil || first.Failed != "" || second.Failed == "" && second.Others <= first.Others {
		return second, err
	}
	return first, nil
}

func (r *referee) attempt(ctx context.Context, e entrant, c Case, requests int) (turn Turn, err error) {
	turn = Turn{Entrant: e.name, Generator: e.generator.Name(), Case: c, Requests: requests}
	load, err := e.load(c, requests)
	if err != nil {
		return turn.fail(ctx, err)
	}
	witness := e.system.witness(load.Addresses)
	before, err := witness.count(c.Keys)
	if err != nil {
		return turn.fail(ctx, err)
	}
	reign, err := e.system.reign()
	if err != nil {
		return turn.fail(ctx, err)
	}
	if r.spent < quietBudget {
		r.spent += max(0, r.settle(ctx)-settleWindow)
	}
	if turn.Outcome, err = r.watched(ctx, e, load, &turn); err != nil {
		return turn.fail(ctx, err)
	}
	after, err := witness.count(c.Keys)
	if err != nil {
		return turn.fail(ctx, err)
	}
	if after-before != int64(requests) {
		return turn, miscount{turn, witness.name, after - before, int64(requests)}
	}
	now, err := e.system.reign()
	if err != nil {
		return turn.fail(ctx, err)
	}
	turn.Disturbed = turn.Others > disturbedCores || now != reign
	return turn, nil
}

// watched runs the load, and notes what else the machine did meanwhile.
func (r *referee) watched(ctx context.Context, e entrant, load Load, turn *Turn) (Outcome, error) {
	flushes, busy, serving, start := diskFlushes(r.dir), machineCPU(), serversCPU(e.system), time.Now()
	outcome, err := e.generator.Run(ctx, load)
	others := machineCPU() - busy - (serversCPU(e.system) - serving) - outcome.cpu
	turn.Others = cores(others, time.Since(start))
	turn.Flushes = float64(diskFlushes(r.dir)-flushes) / float64(load.Requests)
	return outcome, err
}

// fail makes a Turn without figures; if the run is to end, that is the error.
func (t Turn) fail(ctx context.Context, err error) (Turn, error) {
	t.Outcome, t.Failed = Outcome{}, firstLine(err.Error())
	return t, ctx.Err()
}

func serversCPU(s system) (sum time.Duration) {
	for _, p := range s.servers() {
		sum += p.cpu()
	}
	return sum
}
