package resp

// matchesGlob reports whether a lower-case name matches a Redis glob in any case: * any bytes, ? one byte, [abc] [a-z]
// [^x] one of a set, \ takes the next byte literally. Time is at most len(pattern) * len(name).
func matchesGlob(pattern []byte, name string) bool {
	p, n := 0, 0
	star, resume := -1, 0 // the last *, and what it has swallowed up to
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, resume = p, n
			p++
			continue
		}
		if width, ok := matchesByte(pattern[p:], name[n]); ok {
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

// matchesByte compares one byte with the first element of a pattern, and tells how wide that is.
func matchesByte(pattern []byte, c byte) (width int, ok bool) {
	if len(pattern) == 0 {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return matchesSet(pattern, c)
	case '\\':
		if len(pattern) > 1 {
			return 2, lowerByte(pattern[1]) == c
		}
	}
	return 1, lowerByte(pattern[0]) == c
}

// matchesSet takes a set, which an end of the pattern closes, too (as in Redis).
func matchesSet(pattern []byte, c byte) (width int, ok bool) {
	i := 1
	negated := i < len(pattern) && pattern[i] == '^'
	if negated {
		i++
	}
	for i < len(pattern) && pattern[i] != ']' {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
			ok = ok || lowerByte(pattern[i]) == c
		case i+2 < len(pattern) && pattern[i+1] == '-':
			low, high := lowerByte(pattern[i]), lowerByte(pattern[i+2])
			ok = ok || min(low, high) <= c && c <= max(low, high)
			i += 2
		default:
			ok = ok || lowerByte(pattern[i]) == c
		}
		i++
	}
	if i < len(pattern) {
		i++
	}
	return i, ok != negated
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
