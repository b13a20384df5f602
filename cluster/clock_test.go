package cluster

import (
	"testing"
	"testing/synctest"
	"time"
)

// wallsAt are voters' wall clocks that stand apart from the test's by so much.
func wallsAt(offsets ...time.Duration) func() ([]int64, bool) {
	return func() (times []int64, majority bool) {
		for _, o := range offsets {
			times = append(times, time.Now().Add(o).UnixMilli())
		}
		return times, len(times) > 0
	}
}

func noWalls() ([]int64, bool) { return nil, false }

// off is how far a clock is ahead of the test's.
func off(c *clock) time.Duration {
	return time.Duration(c.read()-time.Now().UnixMilli()) * time.Millisecond
}

type clockStory struct {
	name    string
	happens func(t *testing.T, c *clock)
	want    time.Duration // ahead of the test's at the end
}

func tellClocks(t *testing.T, stories []clockStory) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &clock{}
				s.happens(t, c)
				if got := off(c); got != s.want {
					t.Errorf("the clock is %v ahead, want %v", got, s.want)
				}
			})
		})
	}
}

func now() int64 { return time.Now().UnixMilli() }

func TestWhereALeaderTakesTheTimeFrom(t *testing.T) {
	tellClocks(t, []clockStory{
		{"a first leader takes the median, not its own clock", func(t *testing.T, c *clock) {
			c.lead(0, wallsAt(time.Hour, 0, -time.Hour))
			time.Sleep(time.Minute)
		}, 0},
		{"of two middles the earlier", func(t *testing.T, c *clock) {
			c.lead(0, wallsAt(time.Hour, -time.Second))
		}, -time.Second},
		{"without a majority's clocks it does not lead", func(t *testing.T, c *clock) {
			if c.lead(0, noWalls) {
				t.Error("it leads")
			}
			c.lead(0, wallsAt(0))
		}, 0},
		{"machine time is never undercut", func(t *testing.T, c *clock) {
			c.lead(now()+5000, wallsAt(0))
			time.Sleep(time.Second)
		}, 5 * time.Second},
		{"who knows the live time asks for no wall clock", func(t *testing.T, c *clock) {
			c.hear(now()+7000, time.Now())
			time.Sleep(time.Minute)
			if !c.lead(0, noWalls) {
				t.Error("it does not lead")
			}
			time.Sleep(time.Minute)
		}, 7 * time.Second},
		{"a restarted cluster goes on with the lag that it had", func(t *testing.T, c *clock) {
			c.appended(now()-650, time.Now())
			time.Sleep(time.Minute)
			c.lead(0, wallsAt(0))
			time.Sleep(time.Minute)
		}, -650 * time.Millisecond},
		{"a leader whose wall clock was behind leaves no lag", func(t *testing.T, c *clock) {
			c.appended(now(), time.Now().Add(-time.Hour))
			c.lead(0, wallsAt(0))
		}, 0},
		{"nor does one whose wall clock was ahead of the present", func(t *testing.T, c *clock) {
			c.appended(now(), time.Now().Add(time.Hour))
			c.lead(0, wallsAt(0))
		}, 0},
		{"no more than mostLag is believed", func(t *testing.T, c *clock) {
			c.appended(now()-3_600_000, time.Now())
			c.lead(0, wallsAt(0))
		}, -mostLag * time.Millisecond},
		{"a wall clock far behind the last Entry is left out", func(t *testing.T, c *clock) {
			c.appended(now()-20, time.Now())
			time.Sleep(time.Second)
			c.lead(0, wallsAt(0, -5*time.Minute))
		}, -20 * time.Millisecond},
		{"unless all are", func(t *testing.T, c *clock) {
			c.appended(now(), time.Now())
			c.lead(0, wallsAt(-time.Hour, -time.Hour))
		}, -time.Hour},
		{"the live time is not set back by a lag", func(t *testing.T, c *clock) {
			c.hear(now(), time.Now())
			c.appended(now()-650, time.Now())
			c.lead(0, wallsAt(0))
		}, 0},
		{"replayed stamps are a lower bound, no clock", func(t *testing.T, c *clock) {
			c.see(now() - 3_600_000)
			time.Sleep(time.Second)
			c.lead(now()-3_600_000, wallsAt(0))
		}, 0},
	})
}

func TestClocksFollowTheLeader(t *testing.T) {
	tellClocks(t, []clockStory{
		{"a follower goes on from the last stamp it saw", func(t *testing.T, c *clock) {
			c.hear(now(), time.Now())
			time.Sleep(time.Second)
			c.see(now() + 2000)
			time.Sleep(time.Hour)
		}, 2 * time.Second},
		{"a clock that was ahead is set back, but nothing read from it", func(t *testing.T, c *clock) {
			c.hear(now()+9000, time.Now())
			before := c.stamp()
			c.hear(now(), time.Now())
			if got := c.stamp(); got < before {
				t.Errorf("stamp went back by %d ms", before-got)
			}
			time.Sleep(10 * time.Second)
		}, 0},
		{"an Entry that was long on its way takes nothing from the time", func(t *testing.T, c *clock) {
			c.hear(now(), time.Now())
			for range 10 {
				stamp := now()
				time.Sleep(time.Second)
				c.see(stamp)
			}
			if got := off(c); got < -110*time.Millisecond {
				t.Errorf("the clock is %v behind: ten Entries of a slow disk moved it back", -got)
			}
			c.see(now())
		}, 0},
		{"nor does an answer that was", func(t *testing.T, c *clock) {
			c.hear(now(), time.Now())
			stamp, asked := now(), time.Now()
			time.Sleep(time.Second)
			c.hear(stamp, asked)
		}, 0},
		{"a monotonic clock that is a little fast is held back", func(t *testing.T, c *clock) {
			c.hear(now()+50, time.Now())
			for range 60 {
				time.Sleep(100 * time.Millisecond)
				c.see(now())
			}
		}, 0},
		{"also between ticks", func(t *testing.T, c *clock) {
			c.hear(now()+25, time.Now())
			for range 6 {
				for range 50 {
					time.Sleep(tickEvery)
					c.follow()
				}
				c.see(now())
			}
		}, 0},
		{"a leader's clock does not follow its own stamps, nor others'", func(t *testing.T, c *clock) {
			c.lead(0, wallsAt(0))
			time.Sleep(time.Second)
			c.see(now() - 500) // its own Entry, applied late
			c.hear(now()-500, time.Now())
			time.Sleep(time.Second)
		}, 0},
		{"a leader that was deposed follows again", func(t *testing.T, c *clock) {
			c.lead(0, wallsAt(0))
			c.follow()
			c.see(now() + 1000)
			time.Sleep(time.Second)
		}, time.Second},
	})
}

func TestALeadersClockSlides(t *testing.T) {
	tellClocks(t, []clockStory{
		{"a leader slides towards the others by a thousandth", func(t *testing.T, c *clock) {
			c.lead(0, wallsAt(0))
			for range 100 {
				time.Sleep(time.Second)
				times, _ := wallsAt(time.Hour, time.Hour, 0)()
				c.slew(times)
			}
		}, 100 * time.Millisecond},
		{"and backwards", func(t *testing.T, c *clock) {
			c.lead(0, wallsAt(0))
			for range 100 {
				time.Sleep(time.Second)
				times, _ := wallsAt(-time.Hour, -time.Hour, 0)()
				before := c.stamp()
				c.slew(times)
				if got := c.stamp(); got < before {
					t.Fatalf("stamp went back by %d ms", before-got)
				}
			}
			time.Sleep(time.Second)
		}, -100 * time.Millisecond},
		{"a long agreement saves nothing up for a step", func(t *testing.T, c *clock) {
			c.lead(0, wallsAt(0))
			for range 3600 {
				time.Sleep(time.Second)
				times, _ := wallsAt(0)()
				c.slew(times)
			}
			time.Sleep(time.Second)
			times, _ := wallsAt(time.Hour)()
			c.slew(times)
		}, time.Millisecond},
		{"parts of a millisecond are not lost", func(t *testing.T, c *clock) {
			c.lead(0, wallsAt(0))
			for range 1000 {
				time.Sleep(time.Second + 900*time.Microsecond)
				c.slew([]int64{c.read()})
			}
		}, 0},
		{"a follower does not slew", func(t *testing.T, c *clock) {
			c.hear(now(), time.Now())
			time.Sleep(time.Hour)
			times, _ := wallsAt(time.Hour)()
			c.slew(times)
		}, 0},
	})
}

// What a process has heard while it asked for the walls is better than the walls.
func TestTheLiveTimeWinsOverWallsThatWereAskedForAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clock{}
		c.lead(0, func() ([]int64, bool) {
			c.hear(time.Now().UnixMilli()+1000, time.Now())
			return wallsAt(-time.Hour)()
		})
		if got := off(c); got != time.Second {
			t.Errorf("the clock is %v ahead", got)
		}
	})
}
