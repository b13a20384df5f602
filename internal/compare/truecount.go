package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/fsm"
)

const clusterSize = 3

// truecountSystem is a cluster of three voters.
type truecountSystem struct{ nodes []*process }

// startTruecount starts a cluster: clients at port to port+2, peers behind those, GOMAXPROCS as in options.procs.
func startTruecount(ctx context.Context, folder, name, path string, port, procs int) (*truecountSystem, error) {
	s := &truecountSystem{}
	for i := range clusterSize {
		id := fmt.Sprintf("%s-%d", name, i+1)
		args := []string{"serve", "--id", id, "--dir", "data", "--resp", address(port + i), "--peer", address(port + clusterSize + i)}
		if i > 0 {
			args = append(args, "--join", address(port))
		}
		p, err := startProcess(folder, id, port+i, nodeEnvironment(procs), path, args...)
		if err != nil {
			return s, err
		}
		s.nodes = append(s.nodes, p)
	}
	return s, untilSound(ctx, s)
}

// nodeEnvironment overrides a GOMAXPROCS of ours, too: Go ignores 0.
func nodeEnvironment(procs int) []string { return []string{"GOMAXPROCS=" + strconv.Itoa(procs)} }

func (s *truecountSystem) servers() []*process { return s.nodes }

func (s *truecountSystem) status(p *process) (status fsm.Status, err error) {
	text, err := redis.Bytes(p.ask("TRUECOUNT", "STATUS"))
	if err != nil {
		return status, err
	}
	if err := json.Unmarshal(text, &status); err != nil {
		return status, fmt.Errorf("%s: TRUECOUNT STATUS: %w", p.name, err)
	}
	return status, nil
}

// check wants every node to be a voter that is reached by the leader.
func (s *truecountSystem) check() error {
	for _, p := range s.nodes {
		status, err := s.status(p)
		if err != nil {
			return err
		}
		voters := 0
		for _, m := range status.Members {
			if m.Voter && m.Reachable != nil && *m.Reachable {
				voters++
			}
		}
		if voters != clusterSize || len(status.Members) != clusterSize {
			return fmt.Errorf("%s sees %d voters that are reached, want %d", p.name, voters, clusterSize)
		}
	}
	return nil
}

func (s *truecountSystem) version() (string, error) {
	status, err := s.status(s.nodes[0])
	return "Truecount " + status.Version, err
}

// witness is a node that was not loaded, if there is one: its reads must see what the others have acknowledged.
func (s *truecountSystem) witness(loaded []string) *process {
	i := slices.IndexFunc(s.nodes, func(p *process) bool { return !slices.Contains(loaded, p.address) })
	return s.nodes[max(i, 0)]
}

func (s *truecountSystem) reign() (uint64, error) {
	status, err := s.status(s.nodes[0])
	return status.Term, err
}

func (s *truecountSystem) leader() ([]string, error) {
	status, err := s.status(s.nodes[0])
	if err == nil && status.Leader == nil {
		err = fmt.Errorf("%s knows no leader", s.nodes[0].name)
	}
	if err != nil {
		return nil, err
	}
	return []string{status.Leader.RESP}, nil
}

func (s *truecountSystem) follower() ([]string, error) {
	leader, err := s.leader()
	if err != nil {
		return nil, err
	}
	return []string{s.witness(leader).address}, nil
}

func (s *truecountSystem) all() ([]string, error) {
	var addresses []string
	for _, p := range s.nodes {
		addresses = append(addresses, p.address)
	}
	return addresses, nil
}
