package resp

import (
	"fmt"
	"maps"
	"slices"

	"github.com/truecount/truecount/fsm"
)

// subscriptions is what one session listens to.
type subscriptions struct {
	names [kinds]map[string]struct{}
	bytes int // of all names
}

// total is what a reply of that kind counts: shards are counted apart.
func (s *subscriptions) total(k kind) int64 {
	if k == shards {
		return int64(len(s.names[shards]))
	}
	return int64(len(s.names[channels]) + len(s.names[patterns]))
}

// perSubscription is what a subscription holds beside its name, in bytes, here and in the switchboard.
const perSubscription = 200

func (s *subscriptions) holds() int {
	n := s.bytes
	for _, names := range s.names {
		n += perSubscription * len(names)
	}
	return n
}

// listens reports whether the session gets messages in protocol 2, which has no mark for them: so it may do little else.
func (s *session) listens() bool {
	return s.out.protocol == protocol2 && s.listening()
}

func (s *session) listening() bool {
	l := &s.subscriptions.names
	return len(l[channels])+len(l[patterns])+len(l[shards]) > 0
}

func (k kind) verb() string     { return [...]string{"subscribe", "psubscribe", "ssubscribe"}[k] }
func (k kind) opposite() string { return [...]string{"unsubscribe", "punsubscribe", "sunsubscribe"}[k] }

// (P|S)SUBSCRIBE name …: in effect before it is answered. Those that are too many are refused, each in the place of its reply.
func subscribeTo(k kind) func(*session, *writer, [][]byte) {
	return func(s *session, w *writer, args [][]byte) {
		for _, name := range args[1:] {
			if err := s.subscribe(k, string(name)); err != nil {
				w.Error(err.Error())
				continue
			}
			s.confirm(w, k.verb(), k, name)
		}
	}
}

func (s *session) subscribe(k kind, name string) error {
	mine := s.subscriptions.names[k]
	if _, ok := mine[name]; ok {
		return nil
	}
	if err := checkChannel(len(name)); err != nil {
		return err
	}
	if len(mine) >= maxSubscriptions {
		return replyError(fmt.Sprintf("ERR too many subscriptions: a connection may have %d of each kind", maxSubscriptions))
	}
	if err := s.door.switchboard.join(k, name, &s.inbox); err != nil {
		return err
	}
	if mine == nil {
		mine = map[string]struct{}{}
		s.subscriptions.names[k] = mine
	}
	mine[name] = struct{}{}
	s.subscriptions.bytes += len(name)
	return nil
}

// (P|S)UNSUBSCRIBE [name …]; without names, from all. No message comes behind the reply.
func unsubscribeFrom(k kind) func(*session, *writer, [][]byte) {
	return func(s *session, w *writer, args [][]byte) {
		names := args[1:]
		if len(names) == 0 {
			for _, name := range slices.Sorted(maps.Keys(s.subscriptions.names[k])) {
				names = append(names, []byte(name))
			}
		}
		for _, name := range names {
			s.unsubscribe(k, string(name))
			s.collectAll()
			s.confirm(w, k.opposite(), k, name)
		}
		if len(names) == 0 {
			s.confirm(w, k.opposite(), k, nil)
		}
	}
}

// checkChannel refuses what nobody can listen to, and what would take long to be compared with patterns.
func checkChannel(length int) error {
	if length > maxChannel {
		return replyError(fmt.Sprintf("ERR the name of a channel, or a pattern, may have %d bytes", maxChannel))
	}
	return nil
}

func (s *session) unsubscribe(k kind, name string) {
	mine := s.subscriptions.names[k]
	if _, ok := mine[name]; !ok {
		return
	}
	s.door.switchboard.leave(k, name, &s.inbox)
	delete(mine, name)
	s.subscriptions.bytes -= len(name)
}

func (s *session) unsubscribeAll() {
	for k := range kinds {
		for name := range s.subscriptions.names[k] {
			s.door.switchboard.leave(k, name, &s.inbox)
		}
	}
	s.subscriptions = subscriptions{}
}

// end takes the session off what it listens to and what it has bound.
func (s *session) end() {
	s.unsubscribeAll()
	s.stopMonitor()
	s.inbox.close()
	if s.sent == nil { // else drop does: it may bind something
		s.unbind()
	}
}

// confirm tells what was done; name nil: nothing was.
func (s *session) confirm(w *writer, verb string, k kind, name []byte) {
	w.Push(3)
	w.BulkString(verb)
	if name == nil {
		w.Null()
	} else {
		w.Bulk(name)
	}
	w.Int(s.subscriptions.total(k))
}

// PUBLISH and SPUBLISH name message
func publishTo(k kind) func(*session, *writer, [][]byte) {
	return func(s *session, w *writer, args [][]byte) {
		if s.monitor {
			w.Error(string(errMonitors))
			return
		}
		if err := checkChannel(len(args[1])); err != nil {
			w.Error(err.Error())
			return
		}
		times := s.door.switchboard.publish(k, args[1], args[2])
		s.turn -= times * (turnReplies / turnCommands) // each is as much work as a command
		w.Int(int64(times))
	}
}

// PUBSUB CHANNELS and SHARDCHANNELS [pattern]
func listChannels(k kind) func(*session, *writer, [][]byte) {
	return func(s *session, w *writer, args [][]byte) {
		if len(args) > 3 {
			w.Error(string(wrongSubcommand(args)))
			return
		}
		names := s.door.switchboard.names(k)
		if len(args) == 3 {
			if err := checkChannel(len(args[2])); err != nil {
				w.Error(err.Error())
				return
			}
			names = slices.DeleteFunc(names, func(name string) bool { return !(fsm.Glob{Pattern: args[2]}).Matches([]byte(name)) })
		}
		w.Array(len(names))
		for _, name := range names {
			w.BulkString(name)
		}
	}
}

// PUBSUB NUMSUB and SHARDNUMSUB [name …]
func countListeners(k kind) func(*session, *writer, [][]byte) {
	return func(s *session, w *writer, args [][]byte) {
		w.Array(2 * len(args[2:]))
		for _, name := range args[2:] {
			w.Bulk(name)
			w.Int(int64(s.door.switchboard.count(k, name)))
		}
	}
}

// PUBSUB NUMPAT
func countPatterns(s *session, w *writer, _ [][]byte) {
	w.Int(int64(s.door.switchboard.size(patterns)))
}
