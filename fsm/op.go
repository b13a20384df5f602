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
	Limit    Kind = 12 // set the Machine's Limits of bytes and keys: Value.Text = Limits.append. Takes no key. Not for clients
	Remove   Kind = 13 // remove a Node for ever: key = its raft server id. Not for clients

	Add       Kind = 14 // add the decimal Value; Value: the new number as it is stored: Int if it is an int64, else canonical Text
	IncrEx    Kind = 15 // add Value, within Low and High (increx.go); Value: List [new, what was added]
	IncrIf    Kind = 16 // add Amount if Compare holds between the integer held, or 0, and Than; Value: List [1 or 0, new, old]
	SetIf     Kind = 17 // as Set if Compare holds, else Skipped; with Tell, Value: List [1 or 0, new, old]
	DeleteIf  Kind = 18 // as Delete if Compare holds; Value: 1 or 0
	GetDelete Kind = 19 // Value: what was there, or Nil
	GetExpire Kind = 20 // set the deadline of Expiry, or remove it; Value: what is there, or Nil
	Append    Kind = 21 // put Value behind the text held; Value: the new length. Beyond MaxText: TooLong
	SetRange  Kind = 22 // put Value over the text held from byte Amount on, with zeros between; Value: the new length. Beyond MaxText: TooLong
	Rename    Kind = 23 // the item, deadline and all, goes to the key Value.Text; NX: only if nothing is there. Value: 1 or 0; NoSuchKey without an item
	Copy      Kind = 24 // the same, and the item stays; XX: also over what is there. Value: 1, or 0: no item, or something is there
	Deadline  Kind = 25 // Value: milliseconds since the epoch, -1 without a deadline, -2 without a key
	Inspect   Kind = 26 // Value: Nil, or List [ValueKind, bytes of the value as a client reads it, what the key costs]
	Scan      Kind = 27 // a page of keys from the cursor Amount on (scan.go); Value: how many to look at
	Version   Kind = 28 // Value: the log index that a watch of this moment names in its Condition. Takes no key; ReadLater in a Batch

	// Instance counters (ledger.go). What they answer are Lists; a slice, "mine", is that of Op.Instance, or 0 without one.
	ICGet         Kind = 29 // List [total, mine, epoch, Sign]. In a Batch a sign of life
	ICAdd         Kind = 30 // add Amount to the slice; List [total, mine, epoch]; StaleEpoch if Op.Epoch is another than the key's
	ICSet         Kind = 31 // the total becomes Amount, all of it this instance's, in a new epoch; List [total, mine, epoch]
	ICDelete      Kind = 32 // the key ends, in a new epoch; List [old total, old mine, epoch]
	ICAddIf       Kind = 33 // as ICAdd if Compare holds between the total and Than; List [1 or 0, total, mine, old total, old mine, epoch]
	ICSetIf       Kind = 34 // as ICSet, likewise
	SliceSet      Kind = 35 // the slice becomes Amount; List [total, mine, epoch]
	SliceDelete   Kind = 36 // the slice ends; List [total, removed, epoch]
	SliceSetIf    Kind = 37 // as SliceSet if Compare holds between the slice and Than; List as ICAddIf
	Heartbeat     Kind = 38 // a sign of life; an Amount above 0 is the instance's own lease from now on; Value: the lease, in milliseconds
	ClearInstance Kind = 39 // all slices of the instance end, parked ones too (more than MaxSteps over several Entries); Value: how many
	ICClear       Kind = 40 // ICDelete of the keys that match the glob Value from the cursor Amount on, a step; or, if Value is the empty Text, of all at once; Value: List [next cursor or 0, how many]
	ICSlices      Kind = 41 // a page of a key's slices from the cursor Amount on, of Value or so; List [next cursor or 0, per slice: instance, amount, Life, milliseconds left]
	ICInstances   Kind = 42 // a page of instances, likewise; List [next cursor or 0, per instance: name, Life, milliseconds left, lease, slices]. Takes no key
	Bind          Kind = 43 // the instance lives as long as the connection Amount of the Batch's origin; Fresh: its slices end first; Value: 1
	Unbind        Kind = 44 // if that binding is still there, the instance has Value milliseconds to be bound again or to speak, then its slices end; or, if Value is WholeLease, that, for only its node was away; Value: 1 or 0

	// Sessions, of clients that repeat what they do not know the outcome of (once.go).
	OpenSession  Kind = 45 // key: a SessionID. Amount: milliseconds of idle time after which it ends; Value: the same. Skipped if there is one
	CloseSession Kind = 46 // key: a SessionID; Value: 1 if there was one, else 0

	LimitAll Kind = 47 // as Limit, also for what came later than it: instances, sessions, lease. Not for clients

	kinds = 48
)

// kindFacts is what the codec and the doors must know of each Kind.
var kindFacts = [kinds]struct {
	name                                 string
	write, key, amount, value, flags, ex bool
	compare, bounds                      bool
	target                               bool   // Value is a second key
	instance                             bool   // has an Instance, which is not empty unless lone
	lone                                 bool   // may come without an Instance
	epoch                                bool   // may have an Epoch
	ledger                               bool   // about instance counters: the ledger does it
	session                              bool   // about a session, which Key names
	internal                             bool   // of the cluster itself: no client's write, so it does not make a Machine less pristine
	event                                string // what an observer hears when it stores (event.go)
}{
	Get:      {name: "get", key: true},
	Incr:     {name: "incr", write: true, key: true, amount: true, event: "incrby"},
	Set:      {name: "set", write: true, key: true, value: true, flags: true, ex: true, event: "set"},
	Delete:   {name: "delete", write: true, key: true},
	Exists:   {name: "exists", key: true},
	Expire:   {name: "expire", write: true, key: true, flags: true, ex: true, event: "expire"},
	Persist:  {name: "persist", write: true, key: true, event: "persist"},
	TTL:      {name: "ttl", key: true},
	Size:     {name: "size"},
	Flush:    {name: "flush", write: true},
	Register: {name: "register", write: true, key: true, value: true, internal: true},
	Limit:    {name: "limit", write: true, value: true, internal: true},
	Remove:   {name: "remove", write: true, key: true, internal: true},

	Add:       {name: "add", write: true, key: true, value: true, event: "incrbyfloat"},
	IncrEx:    {name: "increx", write: true, key: true, value: true, flags: true, ex: true, bounds: true, event: "incrby"},
	IncrIf:    {name: "incrif", write: true, key: true, amount: true, compare: true, event: "incrby"},
	SetIf:     {name: "setif", write: true, key: true, value: true, flags: true, ex: true, compare: true, event: "set"},
	DeleteIf:  {name: "deleteif", write: true, key: true, compare: true},
	GetDelete: {name: "getdelete", write: true, key: true},
	GetExpire: {name: "getexpire", write: true, key: true, ex: true, event: "expire"},
	Append:    {name: "append", write: true, key: true, value: true, event: "append"},
	SetRange:  {name: "setrange", write: true, key: true, amount: true, value: true, event: "setrange"},
	Rename:    {name: "rename", write: true, key: true, value: true, flags: true, target: true},
	Copy:      {name: "copy", write: true, key: true, value: true, flags: true, target: true},
	Deadline:  {name: "deadline", key: true},
	Inspect:   {name: "inspect", key: true},
	Scan:      {name: "scan", amount: true, value: true},
	Version:   {name: "version"},

	ICGet:         {name: "icget", key: true, instance: true, lone: true, ledger: true},
	ICAdd:         {name: "icadd", write: true, key: true, instance: true, amount: true, epoch: true, ledger: true, event: "incrby"},
	ICSet:         {name: "icset", write: true, key: true, instance: true, amount: true, ledger: true, event: "set"},
	ICDelete:      {name: "icdelete", write: true, key: true, instance: true, lone: true, ledger: true, event: "del"},
	ICAddIf:       {name: "icaddif", write: true, key: true, instance: true, amount: true, compare: true, ledger: true, event: "incrby"},
	ICSetIf:       {name: "icsetif", write: true, key: true, instance: true, amount: true, compare: true, ledger: true, event: "set"},
	SliceSet:      {name: "sliceset", write: true, key: true, instance: true, amount: true, ledger: true, event: "set"},
	SliceDelete:   {name: "slicedelete", write: true, key: true, instance: true, ledger: true, event: "del"},
	SliceSetIf:    {name: "slicesetif", write: true, key: true, instance: true, amount: true, compare: true, ledger: true, event: "set"},
	Heartbeat:     {name: "heartbeat", write: true, instance: true, amount: true, ledger: true},
	ClearInstance: {name: "clearinstance", write: true, instance: true, ledger: true},
	ICClear:       {name: "icclear", write: true, amount: true, value: true, ledger: true},
	ICSlices:      {name: "icslices", key: true, amount: true, value: true, ledger: true},
	ICInstances:   {name: "icinstances", amount: true, value: true, ledger: true},
	Bind:          {name: "bind", write: true, instance: true, amount: true, flags: true, ledger: true},
	Unbind:        {name: "unbind", write: true, instance: true, amount: true, value: true, ledger: true},

	OpenSession:  {name: "opensession", write: true, key: true, amount: true, session: true},
	CloseSession: {name: "closesession", write: true, key: true, session: true},

	LimitAll: {name: "limitall", write: true, value: true, internal: true},
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

// Flags narrow an Op, or change what it answers. Stored in the log: append only.
type Flags uint16

const (
	NX       Flags = 1 << iota // Set, Rename: only if the key is missing. Expire, IncrEx: its deadline only if there is none
	XX                         // Set: only if the key exists. Expire: only if it has a deadline. Copy: also over what is there
	GT                         // Expire: only if the new deadline is later (none counts as infinitely late)
	LT                         // Expire: only if the new deadline is earlier
	SetGet                     // Set, SetIf: answer the old value, also when skipped
	KeepTTL                    // Set, SetIf: keep the deadline
	Saturate                   // IncrEx: stop at the bound instead of doing nothing
	Tell                       // SetIf: answer List [1 or 0, new, old]
	Decimals                   // IncrEx: BYFLOAT. The key may hold a decimal; so it may if Value or a bound is a Text
	Fresh                      // Bind: what an earlier life of the name has left ends

	flagsEnd Flags = 1 << iota // flags of this value and above are from a newer build, and treated like its kinds
)

// ExpiryMode says from where Expiry.Millis counts. Stored in the log: append only.
type ExpiryMode uint8

const (
	NoExpiry ExpiryMode = 0 // Set: no deadline (and the old one goes, but with KeepTTL)
	After    ExpiryMode = 1 // milliseconds after machine time; none are a moment that has passed
	At       ExpiryMode = 2 // milliseconds since the Unix epoch
	Forever  ExpiryMode = 3 // GetExpire, IncrEx: no deadline, and one that is there goes. Has no Millis
)

// counts reports whether a mode counts Expiry.Millis from somewhere.
func (mode ExpiryMode) counts() bool { return mode == After || mode == At }

// Expiry is when a key shall end.
type Expiry struct {
	Mode   ExpiryMode
	Millis int64
}

// Comparator is how a condition on what a key holds compares it with Than. Stored in the log: append only.
//
// The first seven compare exact numbers; a missing key counts as 0, and a key that holds no number answers NotNumber (but to
// ANY). Same and Differs compare the texts that a client reads, byte by byte; a missing key is the same as nothing, so it
// differs from everything, as Redis 8.4 has it for IFEQ and IFNE.
type Comparator uint8

const (
	EQ      Comparator = 1 // what is held is equal to Than
	NE      Comparator = 2 // is not
	Less    Comparator = 3 // is below it (LT is a Flag)
	LE      Comparator = 4 // is not above it
	Greater Comparator = 5 // is above it (GT is a Flag)
	GE      Comparator = 6 // is not below it
	ANY     Comparator = 7 // always holds
	Same    Comparator = 8 // reads like Than
	Differs Comparator = 9 // does not

	comparators = 10
)

// Op is one operation on one key, parsed and validated. Key and Value.Text may point into a buffer of the caller: the
// Machine copies what it keeps.
type Op struct {
	Kind   Kind
	Key    []byte
	Amount int64
	Value  Value
	Flags  Flags
	Expiry Expiry

	Compare   Comparator // IncrIf, SetIf, DeleteIf: the key must compare so with Than
	Than      Value      // Int or Text, also for ANY: without one the Entry is undecodable
	Low, High Value      // IncrEx: bounds of the new number, each within; Nil: that of the numbers we keep

	Instance []byte // of those that have one: at most MaxInstance bytes
	Epoch    Epoch  // ICAdd: the key must be in it
}

// Epoch is the era of an instance counter that an Op is meant for. The zero value asks for none.
type Epoch struct {
	Number uint64
	Given  bool
}

func (op *Op) tooLong() bool {
	longest := MaxText
	if kindFacts[op.Kind].target {
		longest = MaxKey
	}
	return len(op.Key) > MaxKey || len(op.Instance) > MaxInstance || len(op.Value.Text) > longest
}

// Olds is how often op, a write, may answer what its key held: up to MaxText bytes each time.
func (op *Op) Olds() int {
	switch {
	case op.Flags&Tell != 0: // a SetIf that is skipped tells it as the new number, too
		return 2
	case op.Kind == GetDelete, op.Kind == GetExpire, op.Flags&SetGet != 0:
		return 1
	}
	return 0
}
