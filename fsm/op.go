package fsm

// Kind is what an Op does. The numbers are stored in the log: append only, never reuse. A kind this build does not know
// makes the whole Entry undecodable, which stops the node (an upgrade in the wrong order), rather than be skipped.
type Kind uint8

const (
	Get      Kind = 1  // Value: what the key holds, or Nil
	Incr     Kind = 2  // add Amount; Value: the new integer
	Set      Kind = 3  // store Value; Code Skipped if NX or XX forbids; Value: the old value, with SetGet
	Delete   Kind = 4  // Value: 1 if the key existed, else 0
	Exists   Kind = 5  // Value: 1 or 0
	Expire   Kind = 6  // set the deadline of Expiry; Value: 1 if set (or deleted, when it has passed), else 0
	Persist  Kind = 7  // remove the deadline; Value: 1 if there was one, else 0
	TTL      Kind = 8  // Value: milliseconds left, -1 without a deadline, -2 without a key
	Size     Kind = 9  // Value: number of keys, with those that are due but not removed yet. Takes no key
	Flush    Kind = 10 // forget all keys, in O(1). Takes no key
	Register Kind = 11 // put a Node into the registry: key = its raft server id, Value.Text = Node.Append. Not for clients
	Limit    Kind = 12 // set the Machine's Limits: Value.Text = Limits.append. Takes no key. Not for clients
	Remove   Kind = 13 // remove a Node for ever: key = its raft server id. Not for clients

	kinds = 14
)

// kindFacts is what the codec and the doors must know of each Kind.
var kindFacts = [kinds]struct {
	name                                 string
	write, key, amount, value, flags, ex bool
	internal                             bool // of the cluster itself: no client's write, so it does not make a Machine less pristine
}{
	Get:      {name: "get", key: true},
	Incr:     {name: "incr", write: true, key: true, amount: true},
	Set:      {name: "set", write: true, key: true, value: true, flags: true, ex: true},
	Delete:   {name: "delete", write: true, key: true},
	Exists:   {name: "exists", key: true},
	Expire:   {name: "expire", write: true, key: true, flags: true, ex: true},
	Persist:  {name: "persist", write: true, key: true},
	TTL:      {name: "ttl", key: true},
	Size:     {name: "size"},
	Flush:    {name: "flush", write: true},
	Register: {name: "register", write: true, key: true, value: true, internal: true},
	Limit:    {name: "limit", write: true, value: true, internal: true},
	Remove:   {name: "remove", write: true, key: true, internal: true},
}

// String is the kind's name in scripts and messages.
func (k Kind) String() string {
	if k.valid() {
		return kindFacts[k].name
	}
	return "unknown"
}

// Writes reports whether an Op of this kind may change the Machine, and so needs a Batch. The others may be answered by
// Query, too.
func (k Kind) Writes() bool { return k.valid() && kindFacts[k].write }

func (k Kind) valid() bool { return k > 0 && k < kinds }

// Flags narrow a Set or an Expire. Stored in the log: append only.
type Flags uint8

const (
	NX      Flags = 1 << iota // Set: only if the key is missing. Expire: only if it has no deadline
	XX                        // Set: only if the key exists. Expire: only if it has a deadline
	GT                        // Expire: only if the new deadline is later (none counts as infinitely late)
	LT                        // Expire: only if the new deadline is earlier
	SetGet                    // Set: answer the old value, also when skipped
	KeepTTL                   // Set: keep the deadline

	flagsEnd Flags = 1 << iota // flags of this value and above are from a newer build, and treated like its kinds
)

// ExpiryMode says from where Expiry.Millis counts. Stored in the log: append only.
type ExpiryMode uint8

const (
	NoExpiry ExpiryMode = 0 // Set: no deadline (and the old one goes, but with KeepTTL)
	After    ExpiryMode = 1 // milliseconds after machine time; none are a moment that has passed
	At       ExpiryMode = 2 // milliseconds since the Unix epoch
)

// Expiry is when a key shall end.
type Expiry struct {
	Mode   ExpiryMode
	Millis int64
}

// Op is one operation on one key, parsed and validated. Key and Value.Text may point into a buffer of the caller: the
// Machine copies what it keeps.
type Op struct {
	Kind   Kind
	Key    []byte
	Amount int64
	Value  Value
	Flags  Flags
	Expiry Expiry
}

func (op *Op) tooLong() bool { return len(op.Key) > MaxKey || len(op.Value.Text) > MaxText }
