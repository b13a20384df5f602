package resp

import (
	"math"

	"github.com/truecount/truecount/fsm"
)

// expiryOption is which of EX, PX, EXAT and PXAT was given, and its time as it was written.
type expiryOption struct {
	unit timeUnit
	time []byte
}

type timeUnit uint8

const (
	noTime timeUnit = iota
	inSeconds
	inMillis
	atSeconds
	atMillis
)

// take takes an option and its time off the front of args, if that is what stands there. The same one may be given again, the
// last one counts; two different ones may not. (As in Redis.)
func (o *expiryOption) take(args [][]byte) bool {
	unit := noTime
	switch arg := args[0]; {
	case is(arg, "EX"):
		unit = inSeconds
	case is(arg, "PX"):
		unit = inMillis
	case is(arg, "EXAT"):
		unit = atSeconds
	case is(arg, "PXAT"):
		unit = atMillis
	}
	if unit == noTime || len(args) < 2 || o.unit != noTime && o.unit != unit {
		return false
	}
	o.unit, o.time = unit, args[1]
	return true
}

// expiry reads the time.
func (o *expiryOption) expiry(c *command) (fsm.Expiry, error) {
	if o.unit == noTime {
		return fsm.Expiry{}, nil
	}
	n, ok := fsm.ParseInt(o.time)
	if !ok {
		return fsm.Expiry{}, errNotInteger
	}
	seconds := o.unit == inSeconds || o.unit == atSeconds
	if n <= 0 || seconds && n > math.MaxInt64/1000 {
		return fsm.Expiry{}, badExpiry(c)
	}
	if seconds {
		n *= 1000
	}
	if o.unit == inSeconds || o.unit == inMillis {
		return fsm.Expiry{Mode: fsm.After, Millis: n}, nil
	}
	return fsm.Expiry{Mode: fsm.At, Millis: n}, nil
}
