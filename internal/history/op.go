package history

import "fmt"

// Kind is what an Op does.
type Kind uint8

const (
	Incr Kind = iota + 1 // add Arg; a missing key counts as 0
	Get                  // read
	Set                  // store Arg
	Del                  // delete
)

// Outcome is what a client knows of an Op. The zero value is Unknown, which claims least.
type Outcome uint8

const (
	Unknown    Outcome = iota // may have happened, or may happen at any later time
	NotApplied                // has not happened and never will
	Done                      // answered with Reply
)

// Reply is an answer: a number, or Nil.
type Reply struct {
	Int     int64
	Present bool // false: Nil, and Int is 0
}

// Int is the reply n.
func Int(n int64) Reply { return Reply{n, true} }

// Nil is the reply of a read of a missing key, and of a Set.
func Nil() Reply { return Reply{} }

// String is the number, or "nil".
func (r Reply) String() string {
	if !r.Present {
		return "nil"
	}
	return fmt.Sprint(r.Int)
}

// Op is one operation of a history. It took effect, if it did, at one instant between Call and Return.
type Op struct {
	Client  int
	Kind    Kind
	Key     string
	Arg     int64 // Incr: the amount. Set: the value
	Outcome Outcome
	Reply   Reply // if Done
	Call    int64 // stamps of one counter; Return only if Done
	Return  int64
}

// end is Return, or never for an outcome that nobody saw.
func (o *Op) end() int64 {
	if o.Outcome != Done {
		return never
	}
	return o.Return
}

// String is the Op as it stands in messages: "client 3: incr hits 1 = 7 [12, 15]".
func (o Op) String() string {
	var what string
	switch o.Kind {
	case Incr:
		what = fmt.Sprintf("incr %s %d", o.Key, o.Arg)
	case Get:
		what = "get " + o.Key
	case Set:
		what = fmt.Sprintf("set %s %d", o.Key, o.Arg)
	case Del:
		what = "del " + o.Key
	default:
		what = fmt.Sprintf("kind %d of %s", o.Kind, o.Key)
	}
	switch o.Outcome {
	case Done:
		return fmt.Sprintf("client %d: %s = %v [%d, %d]", o.Client, what, o.Reply, o.Call, o.Return)
	case NotApplied:
		return fmt.Sprintf("client %d: %s, not applied [%d]", o.Client, what, o.Call)
	}
	return fmt.Sprintf("client %d: %s, unknown [%d, ∞]", o.Client, what, o.Call)
}
