package fsm

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// model is a Machine as one would write it on a napkin: a map of strings, walked as a whole for what is due.
type model struct {
	now     int64
	index   uint64
	keys    map[string]modelItem
	changed map[string]uint64 // index of the last change
	flushed uint64            // index of the last flush
	origins map[string]modelOrigin
	limits  Limits
	refused string // by the limit that this group has met, or would meet: the answer to its writes

	beside func() (keys, bytes int) // what others take of the same room; nil: nothing
}

type modelItem struct {
	text     string
	deadline int64 // 0: never
}

type modelOrigin struct {
	number  Number
	results []string
}

func (m *model) apply(stamp int64, batches []modelBatch) (verdicts []Verdict, results [][]string) {
	m.now = max(m.now, stamp)
	m.index++
	for key, it := range m.keys {
		if it.deadline != 0 && it.deadline <= m.now {
			m.remove(key)
		}
	}
	for _, b := range batches {
		known := m.origins[b.number.Origin]
		switch {
		case b.number == known.number:
			verdicts, results = append(verdicts, Repeated), append(results, known.results)
		case b.number.Incarnation < known.number.Incarnation,
			b.number.Incarnation == known.number.Incarnation && b.number.Sequence < known.number.Sequence:
			verdicts, results = append(verdicts, Superseded), append(results, nil)
		default:
			var answers []string
			for i, group := range b.groups {
				answers = append(answers, m.group(b.conditions[i], group)...)
			}
			m.origins[b.number.Origin] = modelOrigin{b.number, answers}
			verdicts, results = append(verdicts, Applied), append(results, answers)
		}
	}
	return verdicts, results
}

// group runs the Ops of a group, and if one meets a limit, takes back what they did and refuses all that write. If a condition
// does not hold, it runs none.
func (m *model) group(conditions []Condition, ops []Op) (answers []string) {
	whole := false
	for _, c := range conditions {
		if c.Whole {
			whole = true
			continue
		}
		_, found := m.keys[string(c.Key)]
		if c.Missing && found || !c.Missing && max(m.changed[string(c.Key)], m.flushed) > c.Index {
			return slices.Repeat([]string{"aborted"}, len(ops))
		}
	}
	before, changed, flushed := maps.Clone(m.keys), maps.Clone(m.changed), m.flushed
	m.refused = ""
	for _, op := range ops {
		answer := m.one(op)
		answers = append(answers, answer)
		if no := refusalIn(answer, m.refused); whole && op.Kind.Writes() && no != "" {
			m.keys, m.changed, m.flushed, m.refused = before, changed, flushed, ""
			return slices.Repeat([]string{no}, len(ops))
		}
	}
	if m.refused == "" {
		return answers
	}
	m.keys, m.changed, m.flushed = before, changed, flushed
	for i, op := range ops {
		if answers[i] = m.refused; !op.Kind.Writes() {
			answers[i] = m.one(op)
		}
	}
	return answers
}

// refusalIn is the Code in an answer, with the limit if there is one, or "".
func refusalIn(answer, limit string) string {
	if limit != "" {
		return limit
	}
	for _, name := range codeNames[1:] {
		if strings.HasPrefix(answer, name) {
			return name
		}
	}
	return ""
}

// store puts it under key. It notes a limit that this goes beyond.
func (m *model) store(key string, it modelItem) {
	m.grow(func() { m.put(key, it) })
}

// grow makes a change, and notes a limit that it goes beyond.
func (m *model) grow(change func()) {
	keys, bytes := m.room()
	change()
	keysNow, bytesNow := m.room()
	switch {
	case m.refused != "":
	case m.limits.Keys != 0 && keysNow > keys && keysNow > int(m.limits.Keys):
		m.refused = "full-keys" + strconv.FormatUint(m.limits.Keys, 10)
	case m.limits.Bytes != 0 && bytesNow > bytes && bytesNow > int(m.limits.Bytes):
		m.refused = "full-bytes" + strconv.FormatUint(m.limits.Bytes, 10)
	}
}

// room is what limits limit.
func (m *model) room() (keys, bytes int) {
	if m.beside != nil {
		keys, bytes = m.beside()
	}
	return keys + len(m.keys), bytes + m.used()
}

// put is store, whatever the limits say.
func (m *model) put(key string, it modelItem) {
	m.keys[key], m.changed[key] = it, m.index
}

func (m *model) remove(key string) {
	if _, found := m.keys[key]; found {
		delete(m.keys, key)
		m.changed[key] = m.index
	}
}

// used is what all keys cost.
func (m *model) used() (bytes int) {
	for key, it := range m.keys {
		bytes += it.cost(key)
	}
	return bytes
}

func (it modelItem) cost(key string) (bytes int) {
	record := 3 + len(key) + 2 + len(it.text)
	if _, isInt := parseIntSlowly(it.text); isInt {
		record = 3 + len(key) + 8
	}
	if it.deadline != 0 {
		record += 8
		bytes += 24
	}
	return bytes + 52 + record + record/8
}

// one runs one Op and says its Result as describeModel does.
func (m *model) one(op Op) string {
	key := string(op.Key)
	old, found := m.keys[key]
	switch op.Kind {
	case Incr:
		n, isInt := parseIntSlowly(old.text)
		if found && !isInt {
			return "not-integer"
		}
		if op.Amount > 0 && n > math.MaxInt64-op.Amount || op.Amount < 0 && n < math.MinInt64-op.Amount {
			return "overflow"
		}
		old.text = strconv.FormatInt(n+op.Amount, 10)
		m.store(key, old)
		return old.text
	case Set:
		return m.set(op, key, old, found)
	case Delete:
		m.remove(key)
		return bit(found)
	case Expire:
		return m.expire(op, key, old, found)
	case Persist:
		if !found || old.deadline == 0 {
			return "0"
		}
		m.put(key, modelItem{text: old.text})
		return "1"
	case Flush:
		clear(m.keys)
		m.flushed = m.index
		return ""
	case Limit, LimitAll:
		d := decoder{rest: op.Value.Text}
		m.limits = d.limits()
		return ""
	case Version:
		return "read-later"
	}
	if op.Kind.Writes() {
		return m.more(op, key, old, found)
	}
	answer, _ := m.read(op, m.now)
	return answer
}

func (m *model) read(op Op, now int64) (answer string, settled bool) {
	it, found := m.keys[string(op.Key)]
	if found && it.deadline != 0 && it.deadline <= now && op.Kind != Size {
		it, found, settled = modelItem{}, false, false
	} else {
		settled = true
	}
	switch op.Kind {
	case Get:
		return it.text, settled
	case Exists:
		return bit(found), settled
	case TTL:
		if !found || it.deadline == 0 {
			return m.ttl(found), settled
		}
		return strconv.FormatInt(it.deadline-now, 10), settled
	case Deadline:
		if !found || it.deadline == 0 {
			return m.ttl(found), settled
		}
		return strconv.FormatInt(it.deadline, 10), settled
	case Inspect:
		if !found {
			return "", settled
		}
		kind := 2
		if _, isInt := parseIntSlowly(it.text); isInt {
			kind = 1
		}
		return fmt.Sprintf("[%d %d %d]", kind, len(it.text), it.cost(string(op.Key))), settled
	case Size:
		return strconv.Itoa(len(m.keys)), settled
	case Version:
		return strconv.FormatUint(m.index, 10), true
	}
	return "wrong-type", true
}

// ttl is what is said of a key without a deadline.
func (m *model) ttl(found bool) string {
	if found {
		return "-1"
	}
	return "-2"
}

func (m *model) set(op Op, key string, old modelItem, found bool) string {
	deadline, ok := m.deadline(op.Expiry)
	if !ok {
		return "bad-expiry"
	}
	answer := ""
	if op.Flags&SetGet != 0 {
		answer = old.text
	}
	if op.Flags&NX != 0 && found || op.Flags&XX != 0 && !found {
		return "skipped" + answer
	}
	if op.Flags&KeepTTL != 0 {
		deadline = old.deadline
	}
	if deadline != 0 && deadline <= m.now {
		m.remove(key)
		return answer
	}
	m.store(key, modelItem{string(op.Value.AppendText(nil)), deadline})
	return answer
}

func (m *model) expire(op Op, key string, old modelItem, found bool) string {
	deadline, ok := m.deadline(op.Expiry)
	if !ok || deadline == 0 {
		return "bad-expiry"
	}
	before := uint64(old.deadline) // none is later than any
	if old.deadline == 0 {
		before = math.MaxUint64
	}
	if !found || op.Flags&NX != 0 && old.deadline != 0 || op.Flags&XX != 0 && old.deadline == 0 ||
		op.Flags&GT != 0 && uint64(deadline) <= before || op.Flags&LT != 0 && uint64(deadline) >= before {
		return "0"
	}
	m.put(key, modelItem{old.text, deadline})
	if deadline <= m.now {
		m.remove(key)
	}
	return "1"
}

func (m *model) deadline(e Expiry) (int64, bool) {
	if e.Mode == NoExpiry || e.Mode == Forever {
		return 0, true
	}
	at := big.NewInt(e.Millis)
	if e.Mode == After {
		at.Add(at, big.NewInt(m.now))
	}
	if !at.IsInt64() {
		return 0, false
	}
	return max(1, at.Int64()), true
}

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// describeModel says a Result in the model's words.
func describeModel(r Result) string {
	text := string(r.Value.AppendText(nil))
	if r.Value.Kind == List {
		text = describeValue(r.Value)
	}
	if r.Code != OK {
		return r.Code.String() + text
	}
	return text
}
