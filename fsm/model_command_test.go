package fsm

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// more runs the writes that came later.
func (m *model) more(op Op, key string, old modelItem, found bool) string {
	value := string(op.Value.AppendText(nil))
	switch op.Kind {
	case Add:
		sum, code := modelSum(old.number(found), value)
		if code == "" {
			m.store(key, modelItem{sum, old.deadline})
		}
		return code + sum
	case IncrEx:
		return m.increx(op, key, old, found)
	case IncrIf:
		return m.incrIf(op, key, old, found)
	case SetIf:
		return m.setIf(op, key, old, found)
	case DeleteIf:
		if !found {
			return "0"
		}
		holds, code := old.compare(op, found)
		if code != "" {
			return code
		}
		if holds {
			m.remove(key)
		}
		return bit(holds)
	case GetDelete:
		m.remove(key)
		return old.text
	case GetExpire:
		return m.getExpire(op, key, old, found)
	case Append:
		old.text += value
		if len(old.text) > MaxText {
			return "too-long"
		}
		m.store(key, old)
		return strconv.Itoa(len(old.text))
	case SetRange:
		return m.setRange(op, key, old, value)
	case Rename, Copy:
		return m.move(op, key, value, old, found)
	}
	panic(op.Kind.String())
}

var modelNumber = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

// parseSlowly is what setNumber promises.
func parseSlowly(text string) (*big.Rat, string) {
	if !modelNumber.MatchString(text) {
		return nil, "not-number"
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if !strings.ContainsAny(mantissa, "123456789") {
		return new(big.Rat), ""
	}
	if len(strings.TrimLeft(exponent, "+-0")) > 4 { // no text here is long enough to lead back
		return nil, "digits"
	}
	r, _ := new(big.Rat).SetString(text)
	_, code := formatSlowly(r)
	return r, code
}

// formatSlowly is the canonical text of r, or "digits".
func formatSlowly(r *big.Rat) (text, code string) {
	scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil)))
	largest := new(big.Int).Exp(big.NewInt(10), big.NewInt(36+18), nil)
	if !scaled.IsInt() || new(big.Int).Abs(scaled.Num()).Cmp(largest) >= 0 {
		return "", "digits"
	}
	return strings.TrimSuffix(strings.TrimRight(r.FloatString(18), "0"), "."), ""
}

func modelSum(a, b string) (sum, code string) {
	x, code := parseSlowly(a)
	if code != "" {
		return "", code
	}
	y, code := parseSlowly(b)
	if code != "" {
		return "", code
	}
	return formatSlowly(x.Add(x, y))
}

// number is what a key counts as.
func (it modelItem) number(found bool) string {
	if !found {
		return "0"
	}
	return it.text
}

func (it modelItem) compare(op Op, found bool) (holds bool, code string) {
	than := string(op.Than.AppendText(nil))
	switch op.Compare {
	case ANY:
		return true, ""
	case Same:
		return found && it.text == than, ""
	case Differs:
		return !found || it.text != than, ""
	}
	x, code := parseSlowly(it.number(found))
	if code != "" {
		return false, code
	}
	y, code := parseSlowly(than)
	if code != "" {
		return false, code
	}
	return map[Comparator]bool{EQ: x.Cmp(y) == 0, NE: x.Cmp(y) != 0, Less: x.Cmp(y) < 0, LE: x.Cmp(y) <= 0,
		Greater: x.Cmp(y) > 0, GE: x.Cmp(y) >= 0}[op.Compare], ""
}

// modelList says a List of texts; "nil" is Nil.
func modelList(texts ...string) string {
	var vs []Value
	for _, text := range texts {
		v := ParseValue([]byte(text))
		if text == "nil" {
			v = Value{}
		}
		vs = append(vs, v)
	}
	return describeValue(ListValue(vs...))
}

func (m *model) increx(op Op, key string, old modelItem, found bool) string {
	deadline, ok := m.deadline(op.Expiry)
	if !ok {
		return "bad-expiry"
	}
	low, high := strconv.Itoa(math.MinInt64), strconv.Itoa(math.MaxInt64)
	_, isInt := parseIntSlowly(old.text)
	wide := op.Flags&Decimals != 0 || op.Value.Kind == Text || op.Low.Kind == Text || op.High.Kind == Text
	if wide {
		high = strings.Repeat("9", 36) + "." + strings.Repeat("9", 18)
		low = "-" + high
	} else if found && !isInt {
		return "not-integer"
	}
	if op.Low.Kind != Nil {
		low = string(op.Low.AppendText(nil))
	}
	if op.High.Kind != Nil {
		high = string(op.High.AppendText(nil))
	}
	var n [4]*big.Rat
	for i, text := range []string{old.number(found), string(op.Value.AppendText(nil)), low, high} {
		var code string
		if n[i], code = parseSlowly(text); code != "" {
			return code
		}
	}
	held, sum := n[0], new(big.Rat).Add(n[0], n[1])
	clamped := sum
	if sum.Cmp(n[3]) > 0 {
		clamped = n[3]
	} else if sum.Cmp(n[2]) < 0 {
		clamped = n[2]
	}
	if clamped != sum && op.Flags&Saturate == 0 {
		text, _ := formatSlowly(held)
		return modelList(text, "0")
	}
	text, _ := formatSlowly(clamped)
	added, code := formatSlowly(new(big.Rat).Sub(clamped, held))
	if _, isInt := parseIntSlowly(added); !wide && !isInt {
		return "overflow"
	}
	if code != "" {
		return code
	}
	if op.Expiry.Mode == NoExpiry || op.Flags&NX != 0 && old.deadline != 0 {
		deadline = old.deadline
	}
	if deadline != 0 && deadline <= m.now {
		m.remove(key)
	} else {
		m.store(key, modelItem{text, deadline})
	}
	return modelList(text, added)
}

func (m *model) incrIf(op Op, key string, old modelItem, found bool) string {
	if _, isInt := parseIntSlowly(old.text); found && !isInt {
		return "not-integer"
	}
	holds, code := old.compare(op, found)
	if code != "" {
		return code
	}
	number := old.number(found)
	if !holds {
		return modelList("0", number, number)
	}
	sum, _ := modelSum(number, strconv.FormatInt(op.Amount, 10))
	if _, isInt := parseIntSlowly(sum); !isInt {
		return "overflow"
	}
	m.store(key, modelItem{sum, old.deadline})
	return modelList("1", sum, number)
}

func (m *model) setIf(op Op, key string, old modelItem, found bool) string {
	holds, code := old.compare(op, found)
	if code != "" {
		return code
	}
	answer := "skipped"
	if holds {
		answer = m.set(op, key, old, found)
	} else if op.Flags&SetGet != 0 {
		answer += old.text
	}
	if op.Flags&Tell == 0 || answer == "bad-expiry" {
		return answer
	}
	before := old.number(found)
	if !found && (op.Compare == Same || op.Compare == Differs) {
		before = "nil"
	}
	if strings.HasPrefix(answer, "skipped") {
		return modelList("0", before, before)
	}
	return modelList("1", string(op.Value.AppendText(nil)), before)
}

func (m *model) getExpire(op Op, key string, old modelItem, found bool) string {
	deadline, ok := m.deadline(op.Expiry)
	if !ok {
		return "bad-expiry"
	}
	switch {
	case !found || op.Expiry.Mode == NoExpiry || deadline == 0 && old.deadline == 0:
	case deadline != 0 && deadline <= m.now:
		m.remove(key)
	default:
		m.put(key, modelItem{old.text, deadline})
	}
	return old.text
}

func (m *model) setRange(op Op, key string, old modelItem, value string) string {
	if value == "" {
		return strconv.Itoa(len(old.text))
	}
	if op.Amount < 0 || op.Amount > int64(MaxText-len(value)) {
		return "too-long"
	}
	at := int(op.Amount)
	for len(old.text) < at {
		old.text += "\x00"
	}
	old.text = old.text[:at] + value + old.text[min(len(old.text), at+len(value)):]
	m.store(key, old)
	return strconv.Itoa(len(old.text))
}

func (m *model) move(op Op, key, target string, old modelItem, found bool) string {
	_, taken := m.keys[target]
	switch {
	case !found && op.Kind == Rename:
		return "no-such-key"
	case !found, key == target && op.Kind == Copy:
		return "0"
	case taken && (op.Kind == Rename && op.Flags&NX != 0 || op.Kind == Copy && op.Flags&XX == 0):
		return "0"
	case key == target:
		return "1"
	}
	m.grow(func() {
		m.put(target, old)
		if op.Kind == Rename {
			m.remove(key)
		}
	})
	return "1"
}
