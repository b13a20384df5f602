package resp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

type verdict uint8

const (
	equal     verdict = iota
	different         // somebody has to do something about it
	parted            // on purpose; but now one of the two holds something else, so what comes is not to be compared
)

// difference is one between Redis and us that is on purpose, with the reason.
type difference struct {
	why      string
	commands string                    // whose replies may differ so; empty: all
	parts    bool                      // the two hold something else now
	when     func(words []string) bool // nil: always
	allows   func(ours, theirs frame) bool
}

var differences = []difference{
	{why: "a key has 1 to 1,024 bytes here", parts: true, allows: weSay("ERR key is empty")},
	{why: "a value has up to 4,096 bytes here", parts: true, commands: "append setrange", allows: weSay("ERR string exceeds maximum allowed size")},
	{why: "Redis computes decimals in binary, we exactly", parts: true, commands: "incrbyfloat", allows: bothDecimal},
	{why: "hexadecimal numbers are no decimals here", parts: true, commands: "incrbyfloat", allows: weSay("ERR value is not a valid float")},
	{why: "there are no infinite numbers here", parts: true, commands: "incrbyfloat", allows: weSay("ERR number has more digits")},
	{why: "the two clocks are asked one after the other", commands: "ttl pttl expiretime pexpiretime", allows: nearly},
	{why: "the two clocks", commands: "time lastsave", allows: alike},
	{why: "cursors of SCAN are our own", commands: "scan", when: goesOn, allows: alike},
	{why: "a key whose time has come may be counted a moment longer", commands: "dbsize", allows: more},
	{why: "some key", commands: "randomkey", allows: alike},
	{why: "no value is shared here", commands: "object", allows: counts},
	{why: "nobody notes when a key is used", commands: "object", allows: weSay("ERR idle times are not tracked")},
	{why: "what a key costs", commands: "memory", allows: counts},
	{why: "what was slow, and how it is put", commands: "slowlog latency", allows: alike},
	{why: "there are levels of consistency here", commands: "readonly readwrite", allows: func(ours, theirs frame) bool { return ours.text == "OK" }},
	{why: "not all settings of Redis can be set here", parts: true, commands: "config", allows: weSay("ERR CONFIG SET failed")},
	{why: "settings that there are not here", commands: "config", allows: fewer},
	{why: "what a table holds has no order", commands: "keys scan config pubsub", allows: otherOrder},
	{why: "who we are", commands: "hello client", allows: introductions},
	{why: "Redis 7.2 reads all options of HELLO before one of them counts", parts: true, commands: "hello", allows: mistakes},
	{why: "names of commands are known from the table, which is ours", commands: "command", when: asksTable, allows: alike},
	{why: "HELP is made from the table, too", allows: helps},
	{why: "how a value is kept is told from the value, not from its history", commands: "object", allows: encodings},
	{why: "what needs the connection for itself is not queued", parts: true, allows: weSay("ERR Command not allowed inside a transaction")},
	{why: "MSETNX is a condition of its own", parts: true, allows: weSay("ERR 'msetnx' is not allowed inside a transaction")},
}

func weSay(begin string) func(ours, theirs frame) bool {
	return func(ours, theirs frame) bool { return ours.kind == '-' && strings.HasPrefix(ours.text, begin) }
}

func bothDecimal(ours, theirs frame) bool {
	a, err1 := strconv.ParseFloat(ours.text, 64)
	b, err2 := strconv.ParseFloat(theirs.text, 64)
	return ours.kind == '$' && theirs.kind == '$' && err1 == nil && err2 == nil && (a-b)*(a-b) <= 1e-9*a*a
}

// nearly is about numbers that are as large as our deadlines in milliseconds, and allows for the time that a talk takes.
func nearly(ours, theirs frame) bool {
	a, err1 := strconv.Atoi(ours.text)
	b, err2 := strconv.Atoi(theirs.text)
	return ours.kind == ':' && theirs.kind == ':' && err1 == nil && err2 == nil && min(a, b) > 50 && max(a-b, b-a) < 3000
}

func otherOrder(ours, theirs frame) bool {
	if ours.kind != theirs.kind || len(ours.items) != len(theirs.items) {
		return false
	}
	if ours.kind == '*' && len(ours.items) == 2 && ours.items[1].kind == '*' { // SCAN's
		return ours.items[0].same(theirs.items[0]) && otherOrder(ours.items[1], theirs.items[1])
	}
	return ours.sorted(true).same(theirs.sorted(true)) || ours.sorted(false).same(theirs.sorted(false))
}

func alike(ours, theirs frame) bool { return ours.kind == theirs.kind && ours.kind != '-' }

func counts(ours, theirs frame) bool { return ours.kind == ':' && theirs.kind == ':' }

func more(ours, theirs frame) bool { return counts(ours, theirs) && ours.text < theirs.text }

func fewer(ours, theirs frame) bool {
	return alike(ours, theirs) && len(ours.items) < len(theirs.items)
}

// asksTable reports whether a COMMAND is about the commands, and not about keys.
func asksTable(words []string) bool {
	return len(words) == 1 || !strings.HasPrefix(strings.ToLower(words[1]), "getkeys")
}

// goesOn reports whether a SCAN begins elsewhere than at the beginning, or may end elsewhere than at the end.
func goesOn(words []string) bool {
	count := "10"
	for i, word := range words[:len(words)-1] {
		if strings.EqualFold(word, "count") {
			count = words[i+1]
		}
	}
	return count != "1000" || len(words) > 1 && strings.Trim(words[1], "+0") != ""
}

func mistakes(ours, theirs frame) bool {
	return ours.kind == '-' && theirs.kind == '-' || strings.HasPrefix(theirs.text, "WRONGPASS")
}

// introductions are HELLO's, and lines of CLIENT LIST.
func introductions(ours, theirs frame) bool {
	if strings.Contains(ours.text, "id=") && strings.Contains(theirs.text, "id=") {
		return true
	}
	if len(ours.items) != len(theirs.items) || len(ours.items) != 14 {
		return false
	}
	return slices.EqualFunc(ours.items[4:6], theirs.items[4:6], frame.same) && slices.EqualFunc(ours.items[8:], theirs.items[8:], frame.same)
}

func helps(ours, theirs frame) bool {
	return len(ours.items) > 0 && len(theirs.items) > 0 && ours.items[0].same(theirs.items[0]) && strings.HasSuffix(ours.items[0].text, "Subcommands are:")
}

func encodings(ours, theirs frame) bool {
	return ours.kind == '$' && (theirs.text == "raw" || theirs.text == "embstr")
}

// judge compares the replies of a talk, and knows what differs on purpose.
type judge struct {
	seen    map[string]int // how often each difference was met
	flushed bool
	times   map[string]bool         // that deadlines were set to
	again   bool                    // one of them was set to again
	muted   [maxSpeakers]bool       // has said CLIENT REPLY
	queue   [maxSpeakers][][]string // commands of a transaction
}

// hears notes what a remark may change about the replies.
func (j *judge) hears(r remark) {
	for _, words := range r.words {
		for _, word := range words {
			if n, err := strconv.Atoi(word); err == nil && n >= 100 && n < 1e10 {
				j.again = j.again || j.times[word]
				j.times[word] = true
			}
		}
	}
	j.flushed = j.flushed || r.has("flushall") || r.has("flushdb")
	j.muted[r.who] = j.muted[r.who] || strings.Contains(strings.ToLower(r.bytes), "reply")
}

// compare looks at all that a remark has led to.
func (j *judge) compare(r remark, m *moment) verdict {
	if j.muted[r.who] && len(m.ours[r.who]) == 0 && r.hides() {
		return parted
	}
	if m.what != "" {
		return different
	}
	worst := equal
	for who := range m.ours {
		switch v := j.compareAll(r, m.ours[who], m.theirs[who]); v {
		case different:
			if len(r.words) > 1 && slices.ContainsFunc(m.ours[who], isEvent) {
				j.seen["events of keys come a moment later, also to who has begun to listen meanwhile"]++
				return parted
			}
			if slices.ContainsFunc(m.theirs[who], hasMessage) {
				j.seen["Redis 7.0 puts what EXEC publishes to its own client among its replies, 7.2 behind them"]++
				return parted
			}
			m.what = fmt.Sprintf("client %d", who)
			return different
		case parted:
			worst = parted
		}
	}
	return worst
}

func (j *judge) compareAll(r remark, ours, theirs []frame) verdict {
	// Redis 7.0 sends what a client publishes to itself in front of the reply, we as Redis 7.2 does.
	ours, theirs = messagesLast(ours), messagesLast(theirs)
	if r.has("unsubscribe") || r.has("punsubscribe") || r.has("sunsubscribe") {
		ours, theirs = sortedNames(ours), sortedNames(theirs)
	}
	for i := range min(len(ours), len(theirs)) {
		answered := r // by this frame; all of them, if one has several
		if len(ours) == len(r.words) {
			answered.words = r.words[i : i+1]
		}
		if v := j.one(answered, ours[i], theirs[i]); v != equal {
			return v
		}
		j.note(answered, ours[i])
	}
	if len(ours) != len(theirs) {
		return different
	}
	return equal
}

// note remembers what is queued.
func (j *judge) note(r remark, reply frame) {
	switch {
	case reply.text == "QUEUED":
		j.queue[r.who] = append(j.queue[r.who], r.words...)
	case r.has("multi"), r.has("exec"), r.has("discard"), r.has("reset"):
		j.queue[r.who] = nil
	}
}

func (j *judge) one(r remark, ours, theirs frame) verdict {
	if ours.same(theirs) {
		if r.has("hello") && ours.kind == '-' { // the name may be another now
			return parted
		}
		return equal
	}
	for _, d := range differences {
		if d.concerns(r) && d.allows(ours, theirs) {
			j.seen[d.why]++
			if d.parts {
				return parted
			}
			return equal
		}
	}
	if j.again && counts(ours, theirs) && (r.has("expire") || r.has("pexpire")) {
		j.seen["which of two equal times is later depends on the clock"]++
		return parted
	}
	if r.has("exec") && theirs.kind == '*' {
		return j.transaction(r, ours, theirs)
	}
	return different
}

// transaction compares the replies of EXEC.
func (j *judge) transaction(r remark, ours, theirs frame) verdict {
	if j.flushed && len(ours.items) == 0 {
		j.seen["FLUSHALL changes all that is watched, also what is not there"]++
		return parted
	}
	queue := j.queue[r.who]
	if len(ours.items) != len(theirs.items) {
		return different
	}
	if len(queue) != len(ours.items) { // some were muted, or came together with others
		return parted
	}
	for i := range ours.items {
		if v := j.one(remark{who: r.who, words: queue[i : i+1]}, ours.items[i], theirs.items[i]); v != equal {
			return v
		}
	}
	return equal
}

// concerns reports whether a remark may be answered so.
func (d *difference) concerns(r remark) bool {
	if d.when != nil && !slices.ContainsFunc(r.words, d.when) {
		return false
	}
	return d.commands == "" || slices.ContainsFunc(strings.Fields(d.commands), r.has)
}

// has reports whether a command of that name is in the remark.
func (r remark) has(name string) bool {
	return slices.ContainsFunc(r.words, func(words []string) bool { return strings.EqualFold(words[0], name) })
}

// hides reports whether the two may hold something else after a remark that nobody has answered.
func (r remark) hides() bool {
	return r.has("incrbyfloat") || r.has("exec") || r.has("config") || r.has("hello") ||
		slices.ContainsFunc(r.words, func(words []string) bool { return slices.Contains(words, "") })
}

// isEvent reports whether a reply is a keyspace notification.
func isEvent(f frame) bool {
	return slices.ContainsFunc(f.items, func(item frame) bool {
		return strings.HasPrefix(item.text, "__keyspace@") || strings.HasPrefix(item.text, "__keyevent@")
	})
}

// hasMessage reports whether there is a message inside of a reply.
func hasMessage(f frame) bool {
	return slices.ContainsFunc(f.items, func(item frame) bool { return item.kind == '>' })
}

// messagesLast are the replies, and behind them the messages of protocol 3.
func messagesLast(all []frame) (ordered []frame) {
	isMessage := func(f frame) bool { return f.kind == '>' && strings.HasSuffix(f.items[0].text, "message") }
	var messages []frame
	for _, f := range all {
		if isMessage(f) {
			messages = append(messages, f)
		} else {
			ordered = append(ordered, f)
		}
	}
	return append(ordered, messages...)
}

// sortedNames puts the names of confirmations in order: who leaves all channels leaves them in no particular one.
func sortedNames(all []frame) (sorted []frame) {
	var names []frame
	for _, f := range all {
		if confirms(f) {
			names = append(names, f.items[1])
		}
	}
	names = frame{items: names}.sorted(false).items
	for _, f := range all {
		if confirms(f) {
			f.items = []frame{f.items[0], names[0], f.items[2]}
			names = names[1:]
		}
		sorted = append(sorted, f)
	}
	return sorted
}

func confirms(f frame) bool {
	return len(f.items) == 3 && strings.HasSuffix(f.items[0].text, "unsubscribe")
}
