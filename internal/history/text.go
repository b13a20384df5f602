package history

import "fmt"

// The words for Kind, Outcome and Level in files and messages. Append only: old histories are read again.
var (
	kindWords = map[Kind]string{Incr: "incr", Get: "get", Set: "set", Del: "del", IncrIf: "incrif", SetIf: "setif", Cas: "cas",
		ICIncr: "ic.incr", ICGet: "ic.get", ICSet: "ic.set", ICDel: "ic.del", ICSetSlice: "ic.setslice", ICDelSlice: "ic.delslice",
		ICIncrIf: "ic.incrif", ICDeath: "ic.death", ICBeat: "ic.heartbeat"}
	outcomeWords = map[Outcome]string{Unknown: "unknown", NotApplied: "not applied", Done: "done"}
	levelWords   = map[Level]string{Strong: "strong", Stale: "stale"}
)

// MarshalText is the word for k.
func (k Kind) MarshalText() ([]byte, error) { return word(kindWords, k) }

// UnmarshalText is the reverse.
func (k *Kind) UnmarshalText(text []byte) error { return unword(kindWords, text, k) }

// MarshalText is the word for o.
func (o Outcome) MarshalText() ([]byte, error) { return word(outcomeWords, o) }

// UnmarshalText is the reverse.
func (o *Outcome) UnmarshalText(text []byte) error { return unword(outcomeWords, text, o) }

// MarshalText is the word for l.
func (l Level) MarshalText() ([]byte, error) { return word(levelWords, l) }

// UnmarshalText is the reverse.
func (l *Level) UnmarshalText(text []byte) error { return unword(levelWords, text, l) }

func word[T ~uint8](words map[T]string, value T) ([]byte, error) {
	text, known := words[value]
	if !known {
		return nil, fmt.Errorf("%w: no word for %T %d", ErrHistory, value, value)
	}
	return []byte(text), nil
}

func unword[T ~uint8](words map[T]string, text []byte, value *T) error {
	for v, w := range words {
		if w == string(text) {
			*value = v
			return nil
		}
	}
	return fmt.Errorf("%w: %q is no %T of this build", ErrHistory, text, *value)
}
