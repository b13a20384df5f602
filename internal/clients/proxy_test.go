package clients

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
)

// proxied counts through HAProxy, with the configuration that we recommend.
func proxied(t *testing.T, addrs []string) func(context.Context, string) error {
	haproxy, err := exec.LookPath("haproxy")
	if err != nil {
		if haproxy, err = exec.LookPath("/usr/sbin/haproxy"); err != nil {
			t.Skipf("HAProxy is not installed (apt-get install haproxy): %v", err)
		}
	}
	recipe, err := os.ReadFile("../../configs/haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	free, err := freeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("127.0.0.1:7378", free[0],
		"127.0.0.1:7379", addrs[0], "127.0.0.1:7380", addrs[1], "127.0.0.1:7381", addrs[2]).Replace(string(recipe))
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := exec.Command(haproxy, "-db", "-q", "-f", file)
	proxy.Stderr = os.Stderr
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		proxy.Process.Kill()
		proxy.Wait()
	})
	c := goRedis(t, free[0])
	if err := eventually("HAProxy answers", func() error { return c.Ping(t.Context()).Err() }); err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, key string) error { return c.Incr(ctx, key).Err() }
}

// severalAddresses counts at the first node that takes a connection.
func severalAddresses(t *testing.T, addrs []string) func(context.Context, string) error {
	c := goredis.NewClient(&goredis.Options{
		Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var failed []error
			for _, addr := range addrs {
				conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
				if err == nil {
					return conn, nil
				}
				failed = append(failed, err)
			}
			return nil, errors.Join(failed...)
		},
	})
	t.Cleanup(func() { c.Close() })
	return func(ctx context.Context, key string) error { return c.Incr(ctx, key).Err() }
}
