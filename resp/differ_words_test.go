package resp

// What a speaker says: templates of commands, by subject. A word of one capital letter stands for a word of the vocabulary, one
// that begins with ? for up to three options, in any order and maybe twice, and ... for once or more often.

var subjects = [][]string{
	{ // strings
		"get K", "get K", "set K V", "set K V", "set K V ?set", "set K V ?set", "setnx K V", "setex K T V", "psetex K T V",
		"getset K V", "getdel K", "getex K ?getex", "getex K ?getex", "mget K...", "mset K V", "mset K V K V", "mset K V K V K", "msetnx K V K V",
		"strlen K", "append K V", "append K V", "setrange K R V", "getrange K R R", "getrange K R R", "substr K R R", "type K",
		"object encoding K", "del K", "exists K...",
	},
	{ // counters
		"incr K", "incr K", "decr K", "incrby K N", "incrby K N", "decrby K N", "decrby K N", "incrbyfloat K F", "set K N", "set K N", "get K", "append K N",
		"strlen K", "setrange K R N", "getset K N", "mget K...", "object encoding K", "del K",
	},
	{ // deadlines
		"set K V", "set K V ?set", "expire K T", "expire K T ?expire", "pexpire K P ?expire", "expireat K A ?expire", "pexpireat K M ?expire",
		"expire K T ?expire", "ttl K", "ttl K", "pttl K", "expiretime K", "pexpiretime K", "persist K", "getex K ?getex", "setex K T V", "psetex K P V",
		"incr K", "append K V", "getset K V", "rename K K", "copy K K", "exists K", "dbsize", "get K", "setrange K R V", "incrbyfloat K F", "mset K V K V",
	},
	{ // names
		"set K V", "mset K V K V", "rename K K", "renamenx K K", "copy K K", "copy K K ?copy", "keys G", "keys G", "keys *", "scan 0 count 1000 match G",
		"scan 0 ?scan count 1000", "scan S", "scan S ?scan", "dbsize", "del K...", "unlink K...", "touch K...", "exists K...", "type K",
		"object encoding K", "object freq K", "object refcount nosuch", "object idletime nosuch", "object encoding nosuch", "object X K", "object help K",
		"flushall", "flushdb ASYNC", "flushall SYNC", "flushall X", "mget K...", "ttl K", "memory usage nosuch", "memory usage nosuch samples N", "memory X K", "randomkey N",
	},
	{ // transactions
		"multi", "multi", "exec", "exec", "discard", "watch K", "watch K...", "unwatch", "set K V", "incr K", "get K", "incrby K N", "del K", "mget K...",
		"set K V ?set", "X K", "get", "append K V", "expire K T ?expire", "flushall", "dbsize", "ping", "echo V", "rename K K", "getset K V", "getdel K",
		"select D", "hello H", "reset", "client getname", "type K", "setrange K R V",
	},
	{ // the connection
		"ping", "ping V", "echo V", "select D", "hello", "hello H", "hello H ?hello", "reset", "client setname V", "client getname", "client X", "client reply O",
		"client no-evict O", "client getredir", "client trackinginfo", "client tracking off ?tracking", "client unpause", "client unblock N", "client unblock N X",
		"client help", "client kill X", "client kill id N", "client kill type X", "client kill addr V", "client kill skipme X", "client kill id N id N", "client list type X", "client list id V", "client list id",
		"auth V", "auth default V", "auth V V", "quit X", "get K", "set K V", "X V V",
	},
	{ // messages
		"subscribe C...", "subscribe C", "unsubscribe C...", "unsubscribe", "psubscribe G", "punsubscribe G", "punsubscribe", "ssubscribe C", "sunsubscribe C", "sunsubscribe",
		"publish C V", "publish C V", "spublish C V", "pubsub channels", "pubsub channels G", "pubsub numsub C...", "pubsub numsub", "pubsub numpat",
		"pubsub shardchannels", "pubsub shardnumsub C", "pubsub X C", "ping", "ping V", "get K", "hello H", "reset", "multi", "exec", "client reply O", "client getname", "pubsub help",
	},
	{ // notifications
		"config set notify-keyspace-events E", "config set notify-keyspace-events KEA", "config get notify-keyspace-events", "psubscribe __key*", "psubscribe __key*", "subscribe __keyevent@0__:del", "set K V", "set K V xx", "set K V ex T", "set K V get keepttl",
		"setnx K V", "setex K T V", "getset K V", "getdel K", "getex K persist", "getex K ex T", "mset K V K V", "msetnx K V K V", "incr K", "decrby K N", "incrbyfloat K 1", "append K V",
		"setrange K R V", "del K...", "unlink K", "expire K T ?expire", "pexpire K P", "persist K", "rename K K", "renamenx K K", "copy K K", "copy K K replace", "multi", "exec", "hello 3", "get K", "publish x V",
	},
	{ // the server
		"config get L", "config get L...", "config get nosuch", "config set nosuch V", "config set L", "config set databases N V N", "config X V", "config help", "config resetstat",
		"config set timeout foo", "config set Slowlog-max-len foo", "config set timeout -1", "config set maxclients 0", "config set timeout 0 timeout 0", "config set latency-tracking foo",
		"command X", "command info nosuch", "command docs nosuch", "command getkeys ANY", "command getkeys ANY", "command getkeysandflags nosuch K", "command getkeysandflags ANY", "command list X", "command list filterby X V", "command list filterby pattern nosuch",
		"command getkeys mset K V K V", "command help V", "slowlog X", "slowlog get X", "slowlog get N", "slowlog reset", "slowlog len X", "slowlog help",
		"latency X", "latency history nosuch", "latency reset nosuch", "latency reset", "latency latest", "latency histogram nosuch", "latency doctor X",
		"acl whoami", "acl users", "acl cat X", "acl X", "script exists V V", "script flush X", "script flush", "script X", "function flush X", "function list X", "function list", "function X",
		"module list", "module X", "flushall", "readonly X", "readwrite X",
		"X", "X V", "X V V V", "memory X", "memory help X", "object X",
	},
}

var choices = map[string][]string{
	"?set":      {"nx", "xx", "get", "keepttl", "ex T", "px P", "exat A", "pxat M", "X", "ex", "get"},
	"?getex":    {"persist", "ex T", "px P", "exat A", "pxat M", "X", "px"},
	"?expire":   {"nx", "xx", "gt", "lt", "gt", "X"},
	"?copy":     {"replace", "db D", "replace", "db", "X"},
	"?scan":     {"match G", "count 1000", "type string", "type X", "count N", "match *", "X"},
	"?tracking": {"bcast", "prefix V", "optin", "noloop", "X", "prefix"},
	"?hello":    {"setname V", "auth default V", "auth V V", "setname", "auth V", "X"},
}

var vocabulary = map[string][]string{
	"K": {"a", "a", "a", "b", "b", "c", "a*", "[x]", "key with blanks", "\x00\xff\r\n", "K1"},
	"V": {"", "0", "1", "10", "-5", "abc", "hello world", "Hello", "\x00\x01\xff\r\n", "*xx", "*yyyy", "3.5", "9223372036854775807", " 1", "007", "'q\"", "a", "nan"},
	"N": {"0", "1", "-1", "2", "10", "-10", "100", "9223372036854775807", "-9223372036854775808", "9223372036854775806", "-9223372036854775807",
		"9223372036854775808", "-9223372036854775809", "4611686018427387904", "+1", "01", "-0", "", " 1", "1 ", "1.0", "1e3", "abc", "0x10", "18446744073709551616"},
	"F": {"0", "1", "-1", "0.5", "-2.5", "1.25", "100", "1e2", "", "abc", " 1", "1 ", "+1", ".5", "5.", "1e", "nan", "inf", "-inf", "infinity", "0x10", "1,5", "--1", "1.5abc"},
	"R": {"0", "1", "2", "-1", "-2", "3", "5", "10", "100", "-100", "9223372036854775807", "-9223372036854775808", "x", "", "1.5", "4096", "536870912"},
	"T": {"100", "1000", "5000", "100000", "0", "-1", "-100", "9223372036854775807", "-9223372036854775808", "9223372036854775", "9223372036854776", "-9223372036854776",
		"x", "", "1.5", "+100", "0100", " 100", "10000000000", "9223370000000000"},
	"P": {"110000", "1100000", "550000", "0", "-1", "9223372036854775807", "-9223372036854775808", "9223370000000000000", "x", "", "1e5"},
	"A": {"33177117420", "33177117421", "1", "0", "-1", "9223372036854775807", "9223372036854775", "9223372036854776", "x", "1.0"},
	"M": {"33177117420000", "33177117420500", "33177117421499", "1", "0", "-1", "9223372036854775807", "-9223372036854775808", "x"},
	"D": {"0", "0", "1", "-1", "16", "x", "", "00", "9223372036854775807", "99999999999999999999", "2147483648", "4294967296"},
	"H": {"2", "3", "3", "2", "1", "4", "x", "", "03", "-3", "99999999999999999999"},
	"O": {"on", "off", "skip", "skip", "ON", "x", ""},
	"E": {"KEA", "AKE", "KA", "K$", "Eg", "KEx", "E$g", "", "KEzq", "KElsh"},
	"S": {"0", "0", "00", "x", "", "-1", "1.5", " 0", "+0", "18446744073709551616"},
	"X": {"nosuch", "foo", "FOO", "", "x\r\ny", "get", "help", "\xff", "a|b", "99999999999", "-1", "with blank", "config|get"},
	"C": {"news", "news", "n", "x", "", "\x00\xff"},
	"G": {"*", "a*", "?", "[a-c]", "[^a]", "[^a-b]", "\\*", "a\\*", "*\\", "[", "[a", "[]", "[a-", "[c-a]", "**", "*a", "*?*", "n*", "", "[\\]]", "a[*]", "??", "[x]", "\\[x\\]", "k*", "*[", "[^", "\\", "[a-\\c]", "[^]a]", "news"},
	"L": {"maxmemory-policy", "MaxMemory-Policy", "maxmemory-p*", "timeout", "timeou?", "save", "s[a]ve", "slowlog-max-le?", "latency-trackin?", "nosuch*", "nosuch", "databases", "\\timeout", "timeout[", "timeou[s-u]"},
}

var blanks = []string{" ", " ", " ", "  ", "\t", " \t "}

// noise is bytes that are no command, or end the conversation.
var noise = []string{
	"\r\n", "\n", " \r\n", "*0\r\n", "*-1\r\n", "*x\r\n", "*1\r\n$x\r\n", "*1\r\n:1\r\n", "*2\r\n$4\r\nPING\r\n$-1\r\n", "*1\r\n$-5\r\n", "*1\r\n$0\r\n\r\n",
	"get \"a\r\n", "get 'a'b\r\n", "get \"a\"b\r\n", "get '\r\n", "set a 'it\\'s'\r\n", "set a \"\\x41\\n\\t\\q\"\r\n", "\"\"\r\n", "'' a\r\n",
	"*2147483648\r\n", "*1\r\n$536870913\r\n", "POST / HTTP/1.1\r\n", "Host: x\r\n", "QUIT\r\n", "quit now\r\n", "*+1\r\n$4\r\nPING\r\n", "*01\r\n$4\r\nPING\r\n", "*1\r\n$04\r\nPING\r\n", "$4\r\n", "+OK\r\n",
}
