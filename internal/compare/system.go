package main

import (
	"context"
	"fmt"

	"github.com/gomodule/redigo/redis"
)

// mgetKeys is how many keys are asked for at once.
const mgetKeys = 1000

// system is a group of servers that keep the same counters.
type system interface {
	servers() []*process
	// check asks the servers whether they are what the tables say: who syncs when, who is connected to whom.
	check() error
	// version is the program's.
	version() (string, error)
	// witness is a server that has seen all that was acknowledged, if possible another one than those that were loaded.
	witness(loaded []string) *process
	// reign changes when leadership does.
	reign() (uint64, error)
}

// entrant is a row of the tables: a system, loaded in one way.
type entrant struct {
	name      string
	system    system
	generator Generator
	wait      int // replicas, see Load.Wait
	addresses func() ([]string, error)
}

func (e entrant) String() string { return e.name + "; " + e.generator.Name() }

func (e entrant) load(c Case, requests int) (Load, error) {
	addresses, err := e.addresses()
	return Load{Case: c, Addresses: addresses, Requests: requests, Wait: e.wait}, err
}

// untilSound waits until a system that was just started is as it should be.
func untilSound(ctx context.Context, s system) error { return until(ctx, s.servers(), s.check) }

// count reads the sum of all counters of a load with so many keys.
func (p *process) count(keys int) (sum int64, err error) {
	conn, err := p.dial()
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	for first := 0; first < keys; first += mgetKeys {
		var args []any
		for i := first; i < min(first+mgetKeys, keys); i++ {
			args = append(args, keyName(i))
		}
		values, err := redis.Int64s(conn.Do("MGET", args...)) // what is missing is 0
		if err != nil {
			return 0, fmt.Errorf("%s: MGET: %w", p.name, err)
		}
		for _, v := range values {
			sum += v
		}
	}
	return sum, nil
}
