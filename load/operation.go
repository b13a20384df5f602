package load

import (
	"fmt"
	"strconv"
	"strings"
)

// kind is what a command does.
type kind uint8

const (
	incr kind = iota
	get
	set
	kinds int = iota
)

// Names in the output; in upper case, on the wire.
func (k kind) String() string {
	return [kinds]string{incr: "incr", get: "get", set: "set"}[k]
}

// Operation says what the commands do. The zero value is all increments.
type Operation struct {
	write   kind
	percent int // of reads
}

// ParseOperation reads "incr", "get", "set" or "mix:PERCENT": so many percent GET, the rest INCR. An error
// is like those of Options.Check.
func ParseOperation(text string) (Operation, error) {
	name, percent, mixed := strings.Cut(text, ":")
	switch {
	case text == "incr":
		return Operation{write: incr}, nil
	case text == "set":
		return Operation{write: set}, nil
	case text == "get":
		return Operation{percent: 100}, nil
	case name == "mix" && mixed:
		reads, err := strconv.Atoi(percent)
		if err == nil && reads >= 0 && reads <= 100 {
			return Operation{write: incr, percent: reads}, nil
		}
		return Operation{}, fmt.Errorf("op %q: the reads are 0 to 100 percent, such as mix:90", text)
	}
	return Operation{}, fmt.Errorf("op %q: give incr, get, set or mix:PERCENT (of reads)", text)
}

// String is the form that ParseOperation reads.
func (o Operation) String() string {
	switch o.percent {
	case 0:
		return o.write.String()
	case 100:
		return get.String()
	}
	return "mix:" + strconv.Itoa(o.percent)
}

func (o Operation) reads() bool  { return o.percent > 0 }
func (o Operation) writes() bool { return o.percent < 100 }

// draw turns 64 random bits into what the next command does.
func (o Operation) draw(random uint64) kind {
	if random%100 < uint64(o.percent) {
		return get
	}
	return o.write
}
