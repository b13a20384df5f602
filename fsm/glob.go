package fsm

// Glob is a Redis pattern: * any bytes, ? one byte, [abc] [a-z] [^x] one of a set, \ takes the next byte literally.
type Glob struct {
	Pattern []byte
	Fold    bool // in any case; names are then given in lower case
}

// Matches takes at most len(pattern) * len(name) steps, whatever the pattern. No pattern but the empty one matches an empty
// name, not even * (as in Redis).
func (g Glob) Matches(name []byte) bool {
	pattern := g.Pattern
	if len(name) == 0 {
		return len(pattern) == 0
	}
	p, n := 0, 0
	star, resume := -1, 0 // the last *, and what it has swallowed up to
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, resume = p, n
			p++
			continue
		}
		if width, ok := g.byte(pattern[p:], name[n]); ok {
			p += width
			n++
			continue
		}
		if star < 0 {
			return false
		}
		resume++
		p, n = star+1, resume
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// byte compares one byte with the first element of a pattern, and tells how wide that is.
func (g Glob) byte(pattern []byte, c byte) (width int, ok bool) {
	if len(pattern) == 0 {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return g.set(pattern, c)
	case '\\':
		if len(pattern) > 1 {
			return 2, g.folded(pattern[1]) == c
		}
	}
	return 1, g.folded(pattern[0]) == c
}

// set takes a set, which an end of the pattern closes, too (as in Redis).
func (g Glob) set(pattern []byte, c byte) (width int, ok bool) {
	i := 1
	negated := i < len(pattern) && pattern[i] == '^'
	if negated {
		i++
	}
	for i < len(pattern) && pattern[i] != ']' {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
			ok = ok || g.folded(pattern[i]) == c
		case i+2 < len(pattern) && pattern[i+1] == '-':
			low, high := g.folded(pattern[i]), g.folded(pattern[i+2])
			ok = ok || min(low, high) <= c && c <= max(low, high)
			i += 2
		default:
			ok = ok || g.folded(pattern[i]) == c
		}
		i++
	}
	if i < len(pattern) {
		i++
	}
	return i, ok != negated
}

func (g Glob) folded(c byte) byte {
	if g.Fold && 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
