package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a case.
const (
	maxClients  = 10_000
	maxPipeline = 1_000
)

// Numbers of keys: one for all, or a random one of many.
const (
	hotKeys     = 1
	uniformKeys = 100_000
)

// keyName names the keys as redis-benchmark does. They are numbered from 0.
func keyName(n int) string { return fmt.Sprintf("counter:%012d", n) }

// Case is one shape of load. Clients are connections; each sends Pipeline increments and waits for their answers.
type Case struct {
	Clients  int `json:"clients"`
	Pipeline int `json:"pipeline"`
	Keys     int `json:"keys"`
}

// trip is how many increments are under way at once: loads are whole multiples of it.
func (c Case) trip() int { return c.Clients * c.Pipeline }

func (c Case) shape() string { return fmt.Sprintf("%d×%d", c.Clients, c.Pipeline) }

func (c Case) String() string { return c.shape() + " " + keysName(c.Keys) }

func keysName(keys int) string {
	if keys == hotKeys {
		return "hot"
	}
	return "uniform"
}

// parseCases reads clients x pipeline, "1x1,50x64", and keys, "hot,uniform", and returns all combinations, by keys first.
func parseCases(shapes, keys string) ([]Case, error) {
	var cases []Case
	for name := range strings.SplitSeq(keys, ",") {
		n := hotKeys
		switch name {
		case "hot":
		case "uniform":
			n = uniformKeys
		default:
			return nil, fmt.Errorf(`--keys: %q is neither "hot" nor "uniform"`, name)
		}
		for shape := range strings.SplitSeq(shapes, ",") {
			clients, pipeline, _ := strings.Cut(shape, "x")
			c, errC := strconv.Atoi(clients)
			p, errP := strconv.Atoi(pipeline)
			if errC != nil || errP != nil || c < 1 || c > maxClients || p < 1 || p > maxPipeline {
				return nil, fmt.Errorf("--cases: %q is not CLIENTSxPIPELINE, such as 50x64, at most %dx%d", shape, maxClients, maxPipeline)
			}
			one := Case{c, p, n}
			if slices.Contains(cases, one) {
				return nil, fmt.Errorf("--cases, --keys: %s is there twice", one)
			}
			cases = append(cases, one)
		}
	}
	return cases, nil
}
