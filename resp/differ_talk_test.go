package resp

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A talk is a random conversation: what some clients say, one after the other.
type talk []remark

// remark is what one client sends in one piece.
type remark struct {
	who   int
	bytes string
	words [][]string // the commands in it, for who judges the replies; nil: not commands
}

// speaker makes talks. What it says depends on its random numbers alone.
type speaker struct{ *rand.Rand }

func newSpeaker(seed, number uint64) speaker { return speaker{rand.New(rand.NewPCG(seed, number))} }

const (
	maxSpeakers = 3
	maxRemarks  = 40
)

func (s speaker) talk() (t talk) {
	speakers := 1 + s.IntN(maxSpeakers)*s.IntN(2)
	theme := s.theme()
	for range 2 + s.IntN(maxRemarks) {
		r := remark{who: s.IntN(speakers)}
		for piece := 0; piece == 0 || s.IntN(12) == 0; piece++ {
			words := s.command(theme)
			r.bytes += s.sent(words)
			r.words = append(r.words, words)
		}
		t = append(t, r)
		if s.IntN(150) == 0 {
			t = append(t, remark{who: r.who, bytes: s.pick(noise)})
		}
	}
	return t
}

// theme is what a talk is mostly about, so that its commands meet.
func (s speaker) theme() []string {
	if s.IntN(4) == 0 {
		return everything()
	}
	return subjects[s.IntN(len(subjects))]
}

func (s speaker) pick(from []string) string { return from[s.IntN(len(from))] }

// command is one that is right, mostly.
func (s speaker) command(theme []string) (words []string) {
	if s.IntN(12) == 0 {
		theme = everything()
	}
	words = s.filled(s.pick(theme))
	switch s.IntN(40) {
	case 0:
		words = words[:max(1, len(words)-1)]
	case 1:
		words = append(words, s.word("V"))
	case 2:
		if at := s.IntN(len(words)); at > 0 {
			words[at] = s.word(s.pick([]string{"V", "N", "K", "T"}))
		}
	case 3:
		words = append(words, words[len(words)-1])
	}
	return words
}

// filled puts words into the places of a template, and writes some of the others in another case.
func (s speaker) filled(template string) (words []string) {
	for _, place := range strings.Fields(template) {
		switch {
		case strings.HasPrefix(place, "?"):
			if options := choices[place]; options != nil {
				for range s.IntN(4) {
					words = append(words, s.filled(s.pick(options))...)
				}
			}
		case strings.HasSuffix(place, "..."):
			for range 1 + s.IntN(3) {
				words = append(words, s.filled(strings.TrimSuffix(place, "..."))...)
			}
		case place == "ANY": // a whole command
			words = append(words, s.filled(s.pick(everything()))...)
		default:
			words = append(words, s.word(place))
		}
	}
	return words
}

func (s speaker) word(place string) string {
	if of := vocabulary[place]; of != nil {
		w := s.pick(of)
		if n, ok := strings.CutPrefix(w, "*"); ok && place == "V" && n != "" { // as often as said
			return strings.Repeat(n[:1], len(n)*20)
		}
		return w
	}
	switch s.IntN(3) {
	case 0:
		return strings.ToUpper(place)
	case 1:
		return strings.ToUpper(place[:1]) + place[1:]
	}
	return place
}

// sent is a command as bytes: an array, or a line.
func (s speaker) sent(words []string) string {
	if s.IntN(5) > 0 {
		return string(appendBulks(nil, words...))
	}
	var line []string
	for _, w := range words {
		line = append(line, s.quoted(w))
	}
	return strings.Join(line, s.pick(blanks)) + s.pick([]string{"\r\n", "\n"})
}

// quoted is a word as it may stand in a line.
func (s speaker) quoted(w string) string {
	plain := w != "" && !strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'\`, r) })
	switch {
	case plain && s.IntN(4) > 0:
		return w
	case plain && s.IntN(2) == 0:
		return "'" + w + "'"
	}
	var b strings.Builder
	for _, c := range []byte(w) {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return `"` + b.String() + `"`
}

func everything() (all []string) {
	for _, subject := range subjects {
		all = append(all, subject...)
	}
	return all
}
