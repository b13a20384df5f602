package configs

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// Print writes the configuration as a file for --config, a line for each setting with where its value came from. Memory says
// what "auto" comes to. Secrets are not in it, for only the name of their file is configuration.
func (c *Config) Print(w io.Writer, memory Memory) error {
	var b strings.Builder
	for _, s := range settings {
		line, err := toml.Marshal(map[string]any{s.Name: s.field(c).toml()})
		if err != nil {
			return fmt.Errorf("BUG: printing %s: %w", s.Name, err)
		}
		source := strconv.Quote(c.sources[s.Name]) // a file's name may hold anything
		fmt.Fprintf(&b, "%s  # %s", strings.TrimSuffix(string(line), "\n"), source[1:len(source)-1])
		if s.Name == "max-bytes" && c.MaxBytes.Auto {
			fmt.Fprintf(&b, "; %v here", c.MaxBytes.Bytes(memory))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}
