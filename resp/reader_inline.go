package resp

// splitInline cuts a line into words as Redis's sdssplitargs does, in place: a word is never longer than what it was
// written as. The spans are positions in line and are appended to dst. False: quotes are open at the end, or a closing
// quote has something other than a blank behind it.
//
//	"a\x41\n"   escapes \xHH \n \r \t \b \a; any other character after a backslash is itself
//	'it\'s'     only \' is an escape
//	ab"c d"     quotes may open inside a word: one word, abc d
func splitInline(dst []argSpan, line []byte) ([]argSpan, bool) {
	in, out := 0, 0 // line[:out] is words, line[in:] is to be read; out ≤ in
	for {
		for in < len(line) && isBlank(line[in]) {
			in++
		}
		if in == len(line) {
			return dst, true
		}
		from, ok := out, false
		in, out, ok = splitWord(line, in, out)
		if !ok {
			return dst, false
		}
		dst = append(dst, argSpan{from, out})
	}
}

// splitWord reads the word at line[in:] and writes it to line[out:]; it gives the positions behind both.
func splitWord(line []byte, in, out int) (int, int, bool) {
	var quote byte // the kind of quotes that is open, or 0
	for ; in < len(line); in++ {
		c := line[in]
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
			continue
		case quote == 0 && (c == ' ' || c == '\t' || c == '\r'): // \v and \f stand between words, but don't end one
			return in, out, true
		case quote != 0 && c == quote:
			in++
			return in, out, in == len(line) || isBlank(line[in])
		case quote == '"' && c == '\\':
			var used int
			c, used = unescape(line[in:])
			in += used - 1
		case quote == '\'' && c == '\\' && in+1 < len(line) && line[in+1] == '\'':
			c = '\''
			in++
		}
		line[out] = c
		out++
	}
	return in, out, quote == 0
}

// unescape reads the escape at the front of s, which begins with a backslash: what it means and how long it is.
func unescape(s []byte) (c byte, used int) {
	if len(s) == 1 {
		return '\\', 1
	}
	switch s[1] {
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'b':
		return '\b', 2
	case 'a':
		return '\a', 2
	case 'x':
		if len(s) < 4 {
			break
		}
		high, ok1 := hexDigit(s[2])
		low, ok2 := hexDigit(s[3])
		if ok1 && ok2 {
			return high<<4 | low, 4
		}
	}
	return s[1], 2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// isBlank is C's isspace.
func isBlank(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
