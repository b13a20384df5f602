package resp

// sinceVersion is told of every command: the Truecount that had it first.
const sinceVersion = "1.0.0"

// COMMAND DOCS [name …]: all of it is put together once, for redis-cli asks for it whenever it starts.
func documentCommands(s *session, w *writer, args [][]byte) {
	t, names := s.door.table, args[2:]
	if len(names) == 0 {
		w.raw(t.docs(w.protocol))
		return
	}
	if err := tooManyNames(names); err != nil {
		w.Error(err.Error())
		return
	}
	var known []*command
	seen := map[*command]bool{}
	for _, name := range names {
		if c := t.named(name); c != nil && !seen[c] {
			seen[c] = true
			known = append(known, c)
		}
	}
	w.Map(len(known))
	for _, c := range known {
		w.BulkString(c.name)
		c.documentTo(w)
	}
}

// docs is the reply to COMMAND DOCS in a protocol.
func (t *table) docs(protocol int) []byte {
	t.docsOnce[protocol].Do(func() {
		w := writer{protocol: protocol}
		w.Map(len(t.rows))
		for _, c := range t.rows {
			w.BulkString(c.name)
			c.documentTo(&w)
		}
		t.docsText[protocol] = w.buf
	})
	return t.docsText[protocol]
}

// documentTo writes what COMMAND DOCS says of a command: the fields that redis-cli makes its hints and its help from.
func (c *command) documentTo(w *writer) {
	arguments := parseSyntax(c.syntax)
	n := 4
	if len(arguments) > 0 {
		n++
	}
	if len(c.subs) > 0 {
		n++
	}
	w.Map(n)
	w.BulkString("summary")
	w.BulkString(c.summary)
	w.BulkString("since")
	w.BulkString(sinceVersion)
	w.BulkString("group")
	w.BulkString(c.group)
	w.BulkString("complexity")
	w.BulkString(c.complexity())
	if len(arguments) > 0 {
		w.BulkString("arguments")
		documentArguments(w, arguments)
	}
	if len(c.subs) > 0 {
		w.BulkString("subcommands")
		w.Map(len(c.subs))
		for i := range c.subs {
			w.BulkString(c.subs[i].name)
			c.subs[i].documentTo(w)
		}
	}
}

func (c *command) complexity() string {
	switch {
	case c.cost != "":
		return c.cost
	case c.parse == nil && c.local == nil:
		return "Depends on subcommand."
	}
	return "O(1)"
}

func documentArguments(w *writer, args []argument) {
	w.Array(len(args))
	for i := range args {
		args[i].documentTo(w)
	}
}

func (a *argument) documentTo(w *writer) {
	var flags []string
	if a.optional {
		flags = append(flags, "optional")
	}
	if a.multiple {
		flags = append(flags, "multiple")
	}
	if a.multipleToken {
		flags = append(flags, "multiple_token")
	}
	n := 2
	for _, there := range []bool{a.kind == "key", a.token != "", len(flags) > 0, len(a.parts) > 0} {
		if there {
			n++
		}
	}
	w.Map(n)
	w.BulkString("name")
	w.BulkString(a.name)
	w.BulkString("type")
	w.BulkString(a.kind)
	if a.kind == "key" {
		w.BulkString("key_spec_index")
		w.Int(0)
	}
	if a.token != "" {
		w.BulkString("token")
		w.BulkString(a.token)
	}
	if len(flags) > 0 {
		w.BulkString("flags")
		w.Set(len(flags))
		for _, flag := range flags {
			w.Simple(flag)
		}
	}
	if len(a.parts) > 0 {
		w.BulkString("arguments")
		documentArguments(w, a.parts)
	}
}
