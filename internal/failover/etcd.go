package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
)

var errCompared = errors.New("the comparison failed")

// etcd is spoken to by the JSON gateway that each member has at its clients' port.
type etcd struct {
	dir    string
	flags  []string
	client http.Client
}

func newEtcd(dir string, flags ...string) *etcd {
	return &etcd{dir: dir, flags: flags, client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}}
}

func (s *etcd) begin() ([]*member, error) {
	addrs, err := freeAddresses(6)
	if err != nil {
		return nil, err
	}
	var all []string
	for i := range 3 {
		all = append(all, fmt.Sprintf("e%d=http://%s", i+1, addrs[3+i]))
	}
	var members []*member
	for i := range 3 {
		name, client, peer := "e"+strconv.Itoa(i+1), "http://"+addrs[i], "http://"+addrs[3+i]
		args := []string{"--name", name, "--data-dir", filepath.Join(s.dir, name), "--log-level", "error",
			"--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
			"--initial-advertise-peer-urls", peer, "--initial-cluster", strings.Join(all, ",")}
		members = append(members, &member{binary: "etcd", args: append(args, s.flags...), client: addrs[i]})
	}
	return members, nil
}

func (s *etcd) leads(ctx context.Context, m *member) bool {
	var status struct {
		Header struct {
			Member string `json:"member_id"`
		} `json:"header"`
		Leader string `json:"leader"`
	}
	return s.ask(ctx, m, "maintenance/status", struct{}{}, &status) == nil && status.Leader != "" && status.Leader == status.Header.Member
}

// increment is the transaction of a counter at 0: if the key has no version, it becomes 1.
func (s *etcd) increment(ctx context.Context, m *member, key string) error {
	var done struct {
		Succeeded bool `json:"succeeded"`
	}
	err := s.ask(ctx, m, "kv/txn", map[string]any{
		"compare": []any{map[string]any{"key": []byte(key), "target": "VERSION", "version": "0"}},
		"success": []any{map[string]any{"request_put": map[string]any{"key": []byte(key), "value": []byte("1")}}},
	}, &done)
	if err == nil && !done.Succeeded {
		err = errCompared
	}
	return err
}

func (s *etcd) ask(ctx context.Context, m *member, what string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+m.client+"/v3/"+what, bytes.NewReader(body))
	if err != nil {
		return err
	}
	reply, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", what, reply.Status)
	}
	return json.NewDecoder(reply.Body).Decode(answer)
}
