package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// redisSystem is a Redis primary with its replicas, if any.
type redisSystem struct {
	nodes []*process // the primary first
	sync  string     // appendfsync of all of them; "" for no file at all
}

// startRedis starts a primary and so many replicas, on consecutive ports.
func startRedis(ctx context.Context, folder, name, path string, port, replicas int, sync string) (*redisSystem, error) {
	s := &redisSystem{sync: sync}
	for i := range 1 + replicas {
		args := []string{"--bind", host, "--port", fmt.Sprint(port + i), "--save", "", "--appendonly", "no"}
		if sync != "" {
			args = append(args, "--appendonly", "yes", "--appendfsync", sync)
		}
		if i > 0 {
			args = append(args, "--replicaof", host, fmt.Sprint(port))
		} else {
			args = append(args, "--repl-diskless-sync-delay", "0") // replicas need not be waited for
		}
		p, err := startProcess(folder, fmt.Sprintf("%s-%d", name, i+1), port+i, nil, path, args...)
		if err != nil {
			return s, err
		}
		s.nodes = append(s.nodes, p)
		if err := until(ctx, s.nodes, func() error { _, err := p.ask("PING"); return err }); err != nil {
			return s, err
		}
	}
	return s, untilSound(ctx, s)
}

func (s *redisSystem) servers() []*process { return s.nodes }

func (s *redisSystem) check() error {
	want := map[string]string{"appendonly": "no", "save": ""}
	if s.sync != "" {
		want["appendonly"], want["appendfsync"] = "yes", s.sync
	}
	for i, p := range s.nodes {
		for name, value := range want {
			got, err := redis.StringMap(p.ask("CONFIG", "GET", name))
			if err != nil {
				return err
			}
			if got[name] != value {
				return fmt.Errorf("%s: %s is %q, not %q", p.name, name, got[name], value)
			}
		}
		info, err := redis.String(p.ask("INFO", "replication"))
		if err != nil {
			return err
		}
		if i > 0 && infoField(info, "master_link_status") != "up" {
			return fmt.Errorf("%s is not connected to its primary", p.name)
		}
		online := strings.Count(info, "state=online")
		if i == 0 && online != len(s.nodes)-1 {
			return fmt.Errorf("%s: %d of %d replicas are online", p.name, online, len(s.nodes)-1)
		}
	}
	return nil
}

func (s *redisSystem) version() (string, error) {
	info, err := redis.String(s.nodes[0].ask("INFO", "server"))
	return "Redis " + infoField(info, "redis_version"), err
}

func (s *redisSystem) witness([]string) *process { return s.nodes[0] }

func (s *redisSystem) reign() (uint64, error) { return 0, nil }

func (s *redisSystem) primary() ([]string, error) { return []string{s.nodes[0].address}, nil }

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
