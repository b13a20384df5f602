package history

import (
	"fmt"
	"time"
)

// Kind is what an Op does.
type Kind uint8

const (
	Incr       Kind = iota + 1 // add Arg; a missing key counts as 0
	Get                        // read
	Set                        // store Arg, for TTL if that is not 0; its Reply is not looked at
	Del                        // delete; answers how many keys there were, 0 or 1
	IncrIf                     // add Arg if the value compares so with Operand; answers Applied, Int (now), Old. A missing key counts as 0
	SetIf                      // store Arg if the value compares so with Operand; the same
	Cas                        // store Arg if the value is Operand; Int is the value before. A missing key counts as 0, a deadline stays
	ICIncr                     // IC.INCRBY: add Arg to the slice of Instance; answers Int (the total), Mine, Epoch, as the next five do
	ICGet                      // IC.GET
	ICSet                      // IC.SET: the total becomes Arg, all of it Instance's; a new epoch
	ICSetSlice                 // IC.SETSLICE
	ICDelSlice                 // IC.DELSLICE: OldMine is what was removed
	ICDel                      // IC.DEL: a new epoch, if there was something. Old and OldMine are what there was
	ICIncrIf                   // IC.INCRBYIF: add Arg to the slice if the total compares so with Operand; all of a Reply's numbers
	ICDeath                    // the lease of Instance has ended: its slice of Key leaves the total. No client does it, and nobody sees when
	ICBeat                     // IC.HEARTBEAT: a sign of life of Instance. Key may be one that it has a slice of; its Reply is not looked at
)

// Comparator is how IncrIf, SetIf and ICIncrIf compare: EQ NE LT LE GT GE ANY.
type Comparator string

// Level is the consistency that a read asked for.
type Level uint8

const (
	Strong Level = iota
	Stale        // the local replica, not older than MaxAge if that is not 0
)

// Outcome is what a client knows of an Op. The zero value is Unknown, which claims least.
type Outcome uint8

const (
	Unknown    Outcome = iota // may have happened, or may happen at any later time
	NotApplied                // has not happened and never will
	Done                      // answered with Reply; also if the answer is the Machine's no (Reply.Code)
)

// Reply is an answer: a number, or Nil; with what instance counters and conditions add to it.
type Reply struct {
	Int     int64  `json:"int,omitempty"`     // the value; of an instance counter the total; of a condition the new value
	Present bool   `json:"present,omitempty"` // false: Nil, and Int is 0
	Applied bool   `json:"applied,omitempty"` // conditions: it held
	Old     int64  `json:"old,omitempty"`     // conditions: the value, or total, before
	Mine    int64  `json:"mine,omitempty"`    // instance counters: the slice of Instance
	OldMine int64  `json:"oldMine,omitempty"`
	Epoch   int64  `json:"epoch,omitempty"` // instance counters
	Code    string `json:"code,omitempty"`  // the Machine's no, by its error's first word: STALEEPOCH, ERR …; nothing has changed
}

// Int is the reply n.
func Int(n int64) Reply { return Reply{Int: n, Present: true} }

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
	Client   int           `json:"client"`         // one connection's worth: the Ops of a Client don't overlap
	Node     string        `json:"node,omitempty"` // that was asked
	Kind     Kind          `json:"kind"`
	Key      string        `json:"key"`
	Arg      int64         `json:"arg,omitempty"` // the amount or the value
	If       Comparator    `json:"if,omitempty"`
	Operand  int64         `json:"operand,omitempty"`
	TTL      time.Duration `json:"ttl,omitempty"`      // of Set; of ICBeat a lease of its own, longer than Header.Lease; in ns
	Instance string        `json:"instance,omitempty"` // of the IC kinds
	Epoch    int64         `json:"epoch,omitempty"`    // demanded by ICIncr; 0: none
	Level    Level         `json:"level,omitempty"`    // of reads
	MaxAge   time.Duration `json:"maxAge,omitempty"`   // of stale reads, in ns
	Token    string        `json:"token,omitempty"`    // of ONCE: "session/sequence". Ops of one Token are one operation, repeated
	Group    int64         `json:"group,omitempty"`    // Ops of one Group, which is not 0, are one MULTI, in order; on at most three keys
	Outcome  Outcome       `json:"outcome"`
	Reply    Reply         `json:"reply,omitzero"` // if Done
	Call     int64         `json:"call"`           // stamps of one counter; Return only if Done
	Return   int64         `json:"return,omitempty"`
	At       time.Duration `json:"at"` // of Call and of the end, whatever it was, since the run began, in ns; for limits in time, and pictures
	End      time.Duration `json:"end,omitempty"`
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
		what = o.describe()
	}
	if o.TTL != 0 {
		what += " for " + o.TTL.String()
	}
	if o.Level == Stale {
		what += " stale"
	}
	if o.Token != "" {
		what += " once " + o.Token
	}
	when := ""
	if o.At != 0 {
		when = fmt.Sprintf(" at %v", o.At.Round(time.Millisecond))
	}
	switch o.Outcome {
	case Done:
		return fmt.Sprintf("client %d: %s = %s [%d, %d]%s", o.Client, what, o.answer(), o.Call, o.Return, when)
	case NotApplied:
		return fmt.Sprintf("client %d: %s, not applied [%d]%s", o.Client, what, o.Call, when)
	}
	return fmt.Sprintf("client %d: %s, unknown [%d, ∞]%s", o.Client, what, o.Call, when)
}

// describe says what kinds with conditions or instances want.
func (o *Op) describe() string {
	what, known := kindWords[o.Kind]
	if !known {
		what = fmt.Sprintf("kind %d", o.Kind)
	}
	what += " " + o.Key
	if o.Instance != "" {
		what += " of " + o.Instance
	}
	if !o.reads() && o.Kind != ICBeat {
		what += fmt.Sprintf(" %d", o.Arg)
	}
	if o.If != "" {
		what += fmt.Sprintf(" if %s %d", o.If, o.Operand)
	}
	if o.Epoch != 0 {
		what += fmt.Sprintf(" in epoch %d", o.Epoch)
	}
	return what
}

// answer is the Reply, with what the kind adds to the number.
func (o *Op) answer() string {
	switch {
	case o.Reply.Code != "":
		return o.Reply.Code
	case o.Kind == IncrIf || o.Kind == SetIf:
		return fmt.Sprintf("%v, it was %d", o.Reply, o.Reply.Old)
	case o.Kind >= ICIncr && o.Kind != ICBeat:
		return fmt.Sprintf("%v, mine %d, epoch %d", o.Reply, o.Reply.Mine, o.Reply.Epoch)
	}
	return o.Reply.String()
}
