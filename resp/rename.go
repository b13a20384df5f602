package resp

import "github.com/truecount/truecount/fsm"

var renameCommands = []command{
	{name: "rename", arity: 3, flags: "write", keys: twoKeys, parse: parseRename,
		syntax: "key newkey", summary: "Gives a key another name, over what has that name.", reply: "OK", errors: "`ERR no such key`."},
	{name: "renamenx", arity: 3, flags: "write fast", keys: twoKeys, parse: parseRename,
		syntax: "key newkey", summary: "Gives a key another name that nothing has.", reply: "integer: 1 if it did, else 0", errors: "`ERR no such key`."},
	{name: "copy", arity: -3, flags: "write denyoom", keys: twoKeys, parse: parseCopy,
		syntax: "source destination [DB destination-db] [REPLACE]", summary: "Copies what a key holds, and its deadline, to another one.",
		reply: "integer: 1 if it did, else 0", errors: "`ERR source and destination objects are the same`."},
}

var twoKeys = span{1, 2, 1}

// RENAME key newkey · RENAMENX key newkey
func parseRename(c *command, args [][]byte, to *call) error {
	if err := to.move(fsm.Rename, args[1], args[2]); err != nil {
		return err
	}
	to.render = replyOK
	if c.name == "renamenx" {
		to.ops[0].Flags, to.render = fsm.NX, replyInt
	}
	return nil
}

// COPY source destination [DB 0] [REPLACE]
func parseCopy(_ *command, args [][]byte, to *call) error {
	if err := to.move(fsm.Copy, args[1], args[2]); err != nil {
		return err
	}
	for rest := args[3:]; len(rest) > 0; rest = rest[1:] {
		switch {
		case is(rest[0], "REPLACE"):
			to.ops[0].Flags = fsm.XX
		case is(rest[0], "DB") && len(rest) > 1:
			if err := checkDB(rest[1]); err != nil {
				return err
			}
			rest = rest[1:]
		default:
			return errSyntax
		}
	}
	if string(args[1]) == string(args[2]) {
		return replyError("ERR source and destination objects are the same")
	}
	to.render = replyInt
	return nil
}

func (c *call) move(kind fsm.Kind, from, to []byte) error {
	c.ops = append(c.ops, fsm.Op{Kind: kind, Key: from, Value: fsm.Value{Kind: fsm.Text, Text: to}})
	if err := checkKey(from); err != nil {
		return err
	}
	return checkKey(to)
}
