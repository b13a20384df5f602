package resp

import (
	"math"

	"github.com/truecount/truecount/fsm"
)

// INCR key · INCRBY key n
func parseIncr(_ *command, args [][]byte, to *call) error {
	return parseAdd(args, 1, to)
}

// DECR key · DECRBY key n
func parseDecr(_ *command, args [][]byte, to *call) error {
	return parseAdd(args, -1, to)
}

func parseAdd(args [][]byte, sign int64, to *call) error {
	amount := int64(1)
	if len(args) == 3 {
		n, ok := fsm.ParseInt(args[2])
		if !ok {
			return errNotInteger
		}
		if sign < 0 && n == math.MinInt64 { // has no negative
			return replyError("ERR decrement would overflow")
		}
		amount = n
	}
	if err := checkKey(args[1]); err != nil {
		return err
	}
	to.ops = append(to.ops, fsm.Op{Kind: fsm.Incr, Key: args[1], Amount: sign * amount})
	to.render = replyInt
	return nil
}
