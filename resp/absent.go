package resp

import "strings"

// What Redis has and we have not. Unknown commands get Redis's text, which client libraries look for; this says more, where
// there is more to say.

// refused are commands that we know and will not do, with the reason and what to do instead.
var refused = []struct{ names, why string }{
	{"bgrewriteaof bgsave save", "nothing has to be saved: a write is acknowledged when a majority has it on disk"},
	{"debug", "DEBUG is not for clients; INFO, SLOWLOG and TRUECOUNT STATUS tell what can be told"},
	{"failover", "TRUECOUNT TRANSFER hands leadership over"},
	{"migrate", "keys live in one cluster; read them here and write them there"},
	{"move swapdb", "there is one database, 0"},
	{"psync replconf sync", "members replicate by Raft, on the peer port; a node becomes one with truecount serve --join, or TRUECOUNT JOIN"},
	{"replicaof slaveof", "members replicate by Raft: TRUECOUNT JOIN makes this node a member of a cluster, TRUECOUNT LEAVE takes it out"},
	{"shutdown", "a client can't end a node: send SIGTERM to its process, or TRUECOUNT LEAVE to take it out of its cluster for ever"},
}

// otherTypes are commands of Redis for what we don't keep.
const otherTypes = `
	blmove blmpop blpop brpop brpoplpush lindex linsert llen lmove lmpop lpop lpos lpush lpushx lrange lrem lset ltrim rpop rpoplpush rpush rpushx
	sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers smismember smove spop srandmember srem sscan sunion sunionstore
	bzmpop bzpopmax bzpopmin zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin
	zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex
	zrevrangebyscore zrevrank zscan zscore zunion zunionstore
	hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset hsetnx hstrlen hvals
	xack xadd xautoclaim xclaim xdel xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim
	bitcount bitfield bitfield_ro bitop bitpos getbit setbit pfadd pfcount pfmerge
	geoadd geodist geohash geopos georadius georadiusbymember geosearch geosearchstore
	sort sort_ro dump restore lcs`

const (
	otherTypeHint = "(Truecount keeps counters and short strings: no lists, sets, hashes, streams, bitmaps or sketches)"
	scriptHint    = "(Truecount runs no scripts; commands such as SET NX, GETDEL and MULTI do in one step what most scripts are for)"
	scripting     = "eval eval_ro evalsha evalsha_ro fcall fcall_ro"
)

// absent finds what is to be said of commands that are not in the table, by name.
func absent() (why, hints map[string]string) {
	why, hints = map[string]string{}, map[string]string{}
	for _, r := range refused {
		for _, name := range strings.Fields(r.names) {
			why[name] = r.why
		}
	}
	for _, name := range strings.Fields(otherTypes) {
		hints[name] = otherTypeHint
	}
	for _, name := range strings.Fields(scripting) {
		hints[name] = scriptHint
	}
	return why, hints
}

// missing is the error for a command that is not in the table.
func (t *table) missing(args [][]byte) error {
	var lower [maxName]byte
	name := string(lowered(lower[:0], args[0]))
	if why, known := t.why[name]; known {
		return replyError("ERR " + strings.ToUpper(name) + " is not supported: " + why)
	}
	return unknownCommand(args) + replyError(t.hints[name])
}
