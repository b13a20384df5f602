package clients

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"
)

// tool runs one of Redis's tools against a node, and returns what it prints on both channels.
func tool(t *testing.T, p *place, node int, input, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, name, toolArgs(p, node, args)...)
	command.Stdin = strings.NewReader(input)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(out)
}

func toolArgs(p *place, node int, args []string) []string {
	host, port, _ := net.SplitHostPort(p.addrs[node])
	return append([]string{"-h", host, "-p", port}, args...)
}

func needTool(t *testing.T, name string) *place {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed (apt-get install redis-tools)", name)
	}
	return thePlace(t)
}

func TestRedisCli(t *testing.T) {
	p := needTool(t, "redis-cli")
	cli := func(t *testing.T, node int, input string, args ...string) string {
		t.Helper()
		return tool(t, p, node, input, "redis-cli", args...)
	}
	counter := p.key(t, "counter")

	t.Run("a command as arguments", func(t *testing.T) {
		wants(t, "INCRBY", cli(t, 0, "", "INCRBY", counter, "41"), nil, "41\n")
		wants(t, "INCR at another node", cli(t, 1, "", "--no-raw", "INCR", counter), nil, "(integer) 42\n")
		wants(t, "with -n 0", cli(t, 2, "", "-n", "0", "GET", counter), nil, "42\n")
		wants(t, "a missing key", cli(t, 0, "", "--no-raw", "GET", counter+"?"), nil, "(nil)\n")
		wants(t, "repeated", cli(t, 0, "", "-r", "3", "INCR", counter), nil, "43\n44\n45\n")
		wants(t, "a value from the input", cli(t, 0, "4\x00 2", "-x", "SET", counter+":x"), nil, "OK\n")
	})
	t.Run("with RESP3", func(t *testing.T) {
		wants(t, "a missing key", cli(t, 0, "", "-3", "--no-raw", "GET", counter+"?"), nil, "(nil)\n")
		out := cli(t, 0, "", "-3", "--no-raw", "CONFIG", "GET", "maxclients")
		if !strings.HasPrefix(out, `1# "maxclients" => "`) {
			t.Errorf("CONFIG GET is no map: %s", out)
		}
		if out := cli(t, 0, "", "-3", "--no-raw", "INFO", "server"); !strings.HasPrefix(out, "# Server") {
			t.Errorf("INFO is no verbatim text: %s", out)
		}
	})
	t.Run("commands as lines", func(t *testing.T) {
		key := p.key(t, "lines")
		out := cli(t, 0, strings.ReplaceAll("SET K 5\nMULTI\nINCR K\nDECRBY K 2\nEXEC\nINCR\n", "K", key))
		wants(t, "answers", out, nil,
			"OK\nOK\nQUEUED\nQUEUED\n6\n4\nERR wrong number of arguments for 'incr' command\n\n")
	})
	t.Run("a pipe of 10000 commands", func(t *testing.T) {
		key := p.key(t, "piped")
		command := fmt.Sprintf("*2\r\n$4\r\nINCR\r\n$%d\r\n%s\r\n", len(key), key)
		out := cli(t, 0, strings.Repeat(command, pipelineSize), "--pipe")
		if !strings.Contains(out, fmt.Sprintf("errors: 0, replies: %d", pipelineSize)) {
			t.Errorf("--pipe: %s", out)
		}
		wants(t, "GET", cli(t, 1, "", "GET", key), nil, fmt.Sprintln(pipelineSize))
	})
	t.Run("it scans", func(t *testing.T) {
		prefix := p.key(t, "scan:")
		cli(t, 0, fmt.Sprintf("MSET %[1]sa 1 %[1]sb 2 %[1]sc 3\n", prefix))
		out := strings.Fields(cli(t, 0, "", "--scan", "--pattern", prefix+"*"))
		wants(t, "keys", len(out), nil, 3)
	})
	t.Run("it looks for big keys", func(t *testing.T) {
		cli(t, 0, strings.Repeat("x", 3000), "-x", "SET", p.key(t, "big"))
		for _, flag := range []string{"--bigkeys", "--memkeys"} {
			out := cli(t, 0, "", flag)
			if !strings.Contains(out, `big"' has 3`) || strings.Contains(out, "(error)") || strings.Contains(out, "ERR ") {
				t.Errorf("%s: %s", flag, out)
			}
		}
	})
	t.Run("it shows figures as they roll", func(t *testing.T) { redisCliStat(t, p) })
}

// redisCliStat wants some rows of --stat, which goes on for ever.
func redisCliStat(t *testing.T, p *place) {
	const rows = 3
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stat := exec.CommandContext(ctx, "redis-cli", toolArgs(p, 0, []string{"--stat", "-i", "0.05"})...)
	out, err := stat.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stat.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for lines := bufio.NewScanner(out); seen < rows && lines.Scan(); {
		row := strings.Fields(lines.Text())
		if len(row) == 0 || row[0] == "keys" || strings.HasPrefix(row[0], "---") {
			continue
		}
		if seen++; len(row) < 6 || row[0] == "0" || row[1] == "0B" {
			t.Errorf("keys, memory, clients, blocked, requests, connections: %q", row)
		}
	}
	wants(t, "rows", seen, nil, rows)
	cancel()
	stat.Wait() // it was killed
}

func TestRedisCliHelpsAsOneTypes(t *testing.T) {
	p := needTool(t, "redis-cli")
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed: it gives redis-cli a terminal")
	}
	host, port, _ := net.SplitHostPort(p.addrs[0])
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	prompt := exec.CommandContext(ctx, "python3", "testdata/prompt.py", "redis-cli", "-h", host, "-p", port)
	prompt.Stdin = strings.NewReader(strings.Join([]string{ // what to type, and what to wait for
		`"incr ", "key"`,
		`"` + p.key(t, "typed") + `\r", "(integer) 1"`,
		`"", "> "`, // what is typed before the prompt comes is not helped with
		`"incrby ", "key increment"`,
		`"\u0015help incrby\r", "` + summary(t, p, "incrby") + `"`, // Ctrl-U: the line is empty again
	}, "\n"))
	out, err := prompt.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// summary is what the server itself says of a command; redis-cli has texts of its own, for servers that don't.
func summary(t *testing.T, p *place, command string) string {
	t.Helper()
	reply, err := redis.Values(do(newRedigo(t, p.addrs[0]), "COMMAND", "DOCS", command))
	if err != nil || len(reply) != 2 {
		t.Fatalf("COMMAND DOCS %s: %v, %v", command, reply, err)
	}
	facts, err := redis.Values(reply[1], nil)
	for i := 0; i+1 < len(facts); i += 2 {
		if name, _ := redis.String(facts[i], nil); name == "summary" {
			text, err := redis.String(facts[i+1], err)
			if err != nil || text == "" {
				t.Fatalf("%s has no summary: %v", command, err)
			}
			return text
		}
	}
	t.Fatalf("COMMAND DOCS %s: %v, %v", command, facts, err)
	return ""
}

func TestRedisBenchmark(t *testing.T) {
	p := needTool(t, "redis-benchmark")
	const counter, requests = "counter:__rand_int__", 20_000 // a name of its own making
	c := newRedigo(t, p.addrs[1])
	for _, flags := range []string{"-P 16", "-P 16 -3"} {
		t.Run(flags, func(t *testing.T) {
			before, err := redis.Int(do(c, "GET", counter))
			if err != nil && err != redis.ErrNil {
				t.Fatal(err)
			}
			args := append(strings.Fields(flags), "-t", "incr,set,get", "-c", "20", "-n", fmt.Sprint(requests), "-q")
			out := tool(t, p, 0, "", "redis-benchmark", args...)
			for _, bad := range []string{"WARN", "rror"} {
				if strings.Contains(out, bad) {
					t.Errorf("redis-benchmark %s: %s", flags, out)
				}
			}
			for _, name := range []string{"INCR: ", "SET: ", "GET: "} {
				if !strings.Contains(out, name) {
					t.Errorf("redis-benchmark %s has no figure of %s: %s", flags, name, out)
				}
			}
			after, err := redis.Int(do(c, "GET", counter))
			wants(t, "increments", after-before, err, requests)
		})
	}
}
