package main

import (
	"testing"

	"github.com/gomodule/redigo/redis"
)

// The expected forms were taken from redis-cli 7.0.15, on a terminal and with its output in a pipe.
func TestRepliesArePrintedAsRedisCliDoes(t *testing.T) {
	ten := make([]any, 10)
	for i := range ten {
		ten[i] = int64(i)
	}
	for _, test := range []struct {
		reply         any
		terminal, raw string
	}{
		{int64(42), "(integer) 42\n", "42\n"},
		{"OK", "OK\n", "OK\n"},
		{nil, "(nil)\n", "\n"},
		{[]byte("hello"), "\"hello\"\n", "hello\n"},
		{[]byte("a\"b\\\n\r\t\a\b\x00\xff"), `"a\"b\\\n\r\t\a\b\x00\xff"` + "\n", "a\"b\\\n\r\t\a\b\x00\xff\n"},
		{redis.Error("ERR syntax error"), "(error) ERR syntax error\n", "ERR syntax error\n"},
		{[]any{}, "(empty array)\n", "\n"},
		{[]any{[]byte("5"), nil}, "1) \"5\"\n2) (nil)\n", "5\n\n"},
		{[]any{int64(1), []any{int64(2), []any{int64(3)}, "x"}},
			"1) (integer) 1\n2) 1) (integer) 2\n   2) 1) (integer) 3\n   3) x\n", "1\n2\n3\nx\n"},
		{ten, " 1) (integer) 0\n 2) (integer) 1\n 3) (integer) 2\n 4) (integer) 3\n 5) (integer) 4\n 6) (integer) 5\n" +
			" 7) (integer) 6\n 8) (integer) 7\n 9) (integer) 8\n10) (integer) 9\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"},
	} {
		if got := terminalReply(test.reply); got != test.terminal {
			t.Errorf("%v on a terminal:\n%swant:\n%s", test.reply, got, test.terminal)
		}
		if got := rawReply(test.reply); got != test.raw {
			t.Errorf("%v in a pipe: %q, want %q", test.reply, got, test.raw)
		}
	}
}
