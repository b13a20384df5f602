package resp

import "strings"

// help answers a container's HELP with what the table says of its subcommands.
func help(s *session, w *writer, args [][]byte) {
	var lower [maxName]byte
	container := s.door.table.byName[string(lowered(lower[:0], args[0]))]
	name := strings.ToUpper(container.name)
	lines := []string{name + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"}
	if container.prefix > 0 {
		lines = append([]string{name + " " + container.syntax, "    " + container.summary}, lines...)
	}
	for i := range container.subs {
		sub := &container.subs[i]
		words := strings.ToUpper(sub.name[len(container.name)+1:])
		lines = append(lines, strings.TrimSpace(words+" "+sub.syntax), "    "+sub.summary)
	}
	w.Array(len(lines))
	for _, line := range lines {
		w.Simple(line)
	}
}
