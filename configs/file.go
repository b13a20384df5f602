package configs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile bounds what is read of a configuration file. Ours has 4 KiB.
const maxFile = 1 << 20

// readFile reads a TOML file without tables. It returns texts for values by setting. No name: nothing.
func readFile(name string) (map[string]string, error) {
	if name == "" {
		return nil, nil
	}
	content, err := readBounded(name, maxFile)
	if err != nil {
		return nil, fmt.Errorf("configuration file %s: %w", name, err)
	}
	var raw map[string]any
	meta, err := toml.Decode(string(content), &raw)
	if err != nil {
		return nil, fmt.Errorf("configuration file %s: %w (texts, sizes and durations stand in quotes)", name, oneLine(err))
	}
	texts := map[string]string{}
	for _, path := range meta.Keys() { // in the file's order
		key := path[0] // what is below a table begins with the table's name
		if _, done := texts[key]; done {
			continue
		}
		i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == key })
		if i < 0 {
			return nil, unknownKey(name, key, raw[key])
		}
		if texts[key], err = textOf(settings[i].field(new(Config)), raw[key]); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, key, err)
		}
	}
	return texts, nil
}

func unknownKey(file, key string, raw any) error {
	var names []string
	for _, s := range settings {
		names = append(names, s.Name)
	}
	if near := nearest(key, names); near != "" {
		return fmt.Errorf("unknown key %q in %s: did you mean %s?", key, file, near)
	}
	if _, table := raw.(map[string]any); table {
		return fmt.Errorf("unknown table %q in %s: write all keys without tables", key, file)
	}
	return fmt.Errorf("unknown key %q in %s: known are %s", key, file, strings.Join(names, ", "))
}

// readBounded reads a file of at most limit bytes. Its errors don't name the file.
func readBounded(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, reason(err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("it has more than %d bytes", limit)
	}
	return content, nil
}

// reason is an error without the operation and the path.
func reason(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// oneLine keeps an error of the TOML package, which may quote the file, on one line.
func oneLine(err error) error {
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}
