package fsm

import (
	"maps"
	"math"
	"math/big"
	"strconv"
)

// model is a Machine as one would write it on a napkin: a map of strings, walked as a whole for what is due.
type model struct {
	now     int64
	keys    map[string]modelItem
	origins map[string]modelOrigin
	limits  Limits
	refused string // by the limit that this group has met, or would meet: the answer to its writes
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
	for key, it := range m.keys {
		if it.deadline != 0 && it.deadline <= m.now {
			delete(m.keys, key)
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
			for _, group := range b.groups {
				answers = append(answers, m.group(group)...)
			}
			m.origins[b.number.Origin] = modelOrigin{b.number, answers}
			verdicts, results = append(verdicts, Applied), append(results, answers)
		}
	}
	return verdicts, results
}

// group runs the Ops of a group, and if one meets a limit, takes back what they did and refuses all that write.
func (m *model) group(ops []Op) (answers []string) {
	before := maps.Clone(m.keys)
	m.refused = ""
	for _, op := range ops {
		answers = append(answers, m.one(op))
	}
	if m.refused == "" {
		return answers
	}
	m.keys = before
	for i, op := range ops {
		if answers[i] = m.refused; !op.Kind.Writes() {
			answers[i], _ = m.read(op, m.now)
		}
	}
	return answers
}

// store puts it under key. It notes a limit that this goes beyond.
func (m *model) store(key string, it modelItem) {
	keys, bytes := len(m.keys), m.used()
	m.keys[key] = it
	switch {
	case m.refused != "":
	case m.limits.Keys != 0 && len(m.keys) > keys && len(m.keys) > int(m.limits.Keys):
		m.refused = "full-keys" + strconv.FormatUint(m.limits.Keys, 10)
	case m.limits.Bytes != 0 && m.used() > bytes && m.used() > int(m.limits.Bytes):
		m.refused = "full-bytes" + strconv.FormatUint(m.limits.Bytes, 10)
	}
}

// used is what all keys cost.
func (m *model) used() (bytes int) {
	for key, it := range m.keys {
		record := 3 + len(key) + 2 + len(it.text)
		if _, isInt := parseIntSlowly(it.text); isInt {
			record = 3 + len(key) + 8
		}
		if it.deadline != 0 {
			record += 8
			bytes += 24
		}
		bytes += 52 + record + record/8
	}
	return bytes
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
		delete(m.keys, key)
		return bit(found)
	case Expire:
		return m.expire(op, key, old, found)
	case Persist:
		if !found || old.deadline == 0 {
			return "0"
		}
		m.keys[key] = modelItem{text: old.text}
		return "1"
	case Flush:
		clear(m.keys)
		return ""
	case Limit:
		d := decoder{rest: op.Value.Text}
		m.limits = d.limits()
		return ""
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
		if !found {
			return "-2", settled
		}
		if it.deadline == 0 {
			return "-1", settled
		}
		return strconv.FormatInt(it.deadline-now, 10), settled
	case Size:
		return strconv.Itoa(len(m.keys)), settled
	}
	return "wrong-type", true
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
		delete(m.keys, key)
		return answer
	}
	m.store(key, modelItem{string(op.Value.AppendText(nil)), deadline})
	return answer
}

func (m *model) expire(op Op, key string, old modelItem, found bool) string {
	deadline, ok := m.deadline(op.Expiry)
	if !ok || op.Expiry.Mode == NoExpiry {
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
	m.keys[key] = modelItem{old.text, deadline} // whatever the limits say
	if deadline <= m.now {
		delete(m.keys, key)
	}
	return "1"
}

func (m *model) deadline(e Expiry) (int64, bool) {
	if e.Mode == NoExpiry {
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
	if r.Code != OK {
		return r.Code.String() + text
	}
	return text
}
