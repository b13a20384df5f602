package resp

const pubsubReply = "for each name a message: what was done, the name, and how many subscriptions are left"

var messageCommands = []command{
	{name: "subscribe", arity: -2, flags: "pubsub noscript loading stale", local: subscribeTo(channels), barrier: true, listening: true, pushes: true,
		syntax: "channel [channel ...]", summary: "Listens to what is published to channels on this node.", reply: pubsubReply},
	{name: "unsubscribe", arity: -1, flags: "pubsub noscript loading stale", local: unsubscribeFrom(channels), barrier: true, listening: true, pushes: true,
		syntax: "[channel [channel ...]]", summary: "Stops listening to channels, or to all of them.", reply: pubsubReply},
	{name: "psubscribe", arity: -2, flags: "pubsub noscript loading stale", local: subscribeTo(patterns), barrier: true, listening: true, pushes: true,
		syntax: "pattern [pattern ...]", summary: "Listens to channels that match patterns.", reply: pubsubReply},
	{name: "punsubscribe", arity: -1, flags: "pubsub noscript loading stale", local: unsubscribeFrom(patterns), barrier: true, listening: true, pushes: true,
		syntax: "[pattern [pattern ...]]", summary: "Stops listening to patterns, or to all of them.", reply: pubsubReply},
	{name: "ssubscribe", arity: -2, flags: "pubsub noscript loading stale", local: subscribeTo(shards), barrier: true, listening: true, pushes: true,
		syntax: "shardchannel [shardchannel ...]", summary: "Listens to what SPUBLISH sends to channels on this node.", reply: pubsubReply},
	{name: "sunsubscribe", arity: -1, flags: "pubsub noscript loading stale", local: unsubscribeFrom(shards), barrier: true, listening: true, pushes: true,
		syntax: "[shardchannel [shardchannel ...]]", summary: "Stops listening to channels of SSUBSCRIBE, or to all of them.", reply: pubsubReply},
	{name: "publish", arity: 3, flags: "pubsub loading stale fast", local: publishTo(channels), barrier: true, queues: true,
		syntax: "channel message", summary: "Sends a message to those who listen on this node.", reply: "integer: how many got it", cost: "O(N+M), N listeners and M patterns"},
	{name: "spublish", arity: 3, flags: "pubsub loading stale fast", local: publishTo(shards), barrier: true, queues: true,
		syntax: "shardchannel message", summary: "Sends a message to those who listen by SSUBSCRIBE on this node.", reply: "integer: how many got it", cost: "O(N), N listeners"},
	{name: "pubsub", arity: -2, flags: "", summary: "A container for commands about channels.", subs: []command{
		{name: "pubsub|channels", arity: -2, flags: "pubsub loading stale", local: listChannels(channels),
			syntax: "[pattern]", summary: "Returns the channels that somebody listens to on this node, patterns left out.", reply: "array: names", cost: "O(N), N channels"},
		{name: "pubsub|numsub", arity: -2, flags: "pubsub loading stale", local: countListeners(channels),
			syntax: "[channel [channel ...]]", summary: "Tells how many listen to channels on this node, patterns left out.", reply: "array: names and numbers"},
		{name: "pubsub|numpat", arity: 2, flags: "pubsub loading stale", local: countPatterns,
			summary: "Tells how many different patterns are listened to on this node.", reply: "integer"},
		{name: "pubsub|shardchannels", arity: -2, flags: "pubsub loading stale", local: listChannels(shards),
			syntax: "[pattern]", summary: "Returns the channels that somebody listens to by SSUBSCRIBE on this node.", reply: "array: names", cost: "O(N), N channels"},
		{name: "pubsub|shardnumsub", arity: -2, flags: "pubsub loading stale", local: countListeners(shards),
			syntax: "[shardchannel [shardchannel ...]]", summary: "Tells how many listen to channels by SSUBSCRIBE on this node.", reply: "array: names and numbers"},
		{name: "pubsub|help", arity: 2, flags: "loading stale", local: help, summary: "Prints this help.", reply: "array: lines"},
	}},
	{name: "monitor", arity: 1, flags: "admin noscript loading stale", local: monitor, barrier: true,
		summary: "Shows every command that this node is sent, until RESET or QUIT.", reply: "OK, and then a simple string for each command",
		errors: "Commands about keys are refused meanwhile."},
}
