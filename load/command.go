package load

import (
	"bytes"
	"strconv"
	"strings"
)

// setTo is the value of every SET.
const setTo = "1"

// encoder writes commands. All keys are equally long, as redis-benchmark's are: the prefix, then the number with leading
// zeros. So a command is a copy with some digits put in.
//
//	*2\r\n$4\r\nINCR\r\n$12\r\nbench:000042\r\n
type encoder struct {
	prefix   string
	digits   int
	commands [kinds][]byte // for key 0
	ends     [kinds]int    // behind the last digit
	wait     []byte        // empty: none
}

func newEncoder(prefix string, count int, replicas int) *encoder {
	e := &encoder{prefix: prefix, digits: len(strconv.Itoa(count - 1))}
	e.commands = [kinds][]byte{
		incr: appendCommand(nil, "INCR", e.key(0)),
		get:  appendCommand(nil, "GET", e.key(0)),
		set:  appendCommand(nil, "SET", e.key(0), setTo),
	}
	for k, command := range e.commands {
		e.ends[k] = bytes.Index(command, []byte(e.key(0))) + len(e.key(0))
	}
	if replicas > 0 {
		e.wait = appendCommand(nil, "WAIT", strconv.Itoa(replicas), strconv.FormatInt(waitTime.Milliseconds(), 10))
	}
	return e
}

// key is the name of a key.
func (e *encoder) key(n uint32) string {
	digits := strconv.FormatUint(uint64(n), 10)
	return e.prefix + strings.Repeat("0", e.digits-len(digits)) + digits
}

// append adds one command.
func (e *encoder) append(b []byte, k kind, key uint32) []byte {
	i := len(b) + e.ends[k]
	b = append(b, e.commands[k]...)
	for ; key > 0; key /= 10 {
		i--
		b[i] = byte('0' + key%10)
	}
	return b
}

// appendCommand adds any command: what a worker says now and then.
func appendCommand(b []byte, args ...string) []byte {
	b = append(b, '*')
	b = strconv.AppendInt(b, int64(len(args)), 10)
	for _, arg := range args {
		b = append(b, "\r\n$"...)
		b = strconv.AppendInt(b, int64(len(arg)), 10)
		b = append(b, "\r\n"...)
		b = append(b, arg...)
	}
	return append(b, "\r\n"...)
}
