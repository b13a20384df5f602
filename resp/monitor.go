package resp

import (
	"fmt"
	"strings"
)

// MONITOR shows a connection what all the others send. A line is made only if somebody monitors, and is shown when the command
// is taken: before it has an effect anywhere. Commands of operators (flag admin) are left out, as in Redis.

// MONITOR; again, it has no reply, as in Redis.
func monitor(s *session, w *writer, _ [][]byte) {
	if s.monitor {
		return
	}
	w.OK()
	s.monitor = true
	s.door.monitors.Add(1)
	s.door.switchboard.monitor(&s.inbox, true)
}

func (s *session) stopMonitor() {
	if !s.monitor {
		return
	}
	s.monitor = false
	s.door.monitors.Add(-1)
	s.door.switchboard.monitor(&s.inbox, false)
}

func (e *switchboard) monitor(b *mailbox, yes bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !yes {
		delete(e.monitors, b)
		return
	}
	if e.monitors == nil {
		e.monitors = audience{}
	}
	e.monitors[b] = struct{}{}
}

// tellMonitors shows a command that was taken.
func (d *door) tellMonitors(s *session, c *command, args [][]byte) {
	if strings.Contains(c.flags, "admin") {
		return
	}
	now := d.now()
	line := fmt.Appendf(nil, "%d.%06d [0 %s]", now.Unix(), now.Nanosecond()/1000, s.address)
	for _, arg := range redacted(c, args) {
		line = append(line, ' ')
		line = appendQuoted(line, arg)
	}
	d.switchboard.mu.Lock()
	defer d.switchboard.mu.Unlock()
	m := &message{write: func(w *writer) { w.Simple(string(line)) }}
	for mailbox := range d.switchboard.monitors {
		mailbox.post(m)
	}
	s.turn -= len(d.switchboard.monitors) * turnReplies / turnCommands
}

// appendQuoted writes bytes between quotes, as Redis's sdscatrepr.
func appendQuoted(to, text []byte) []byte {
	to = append(to, '"')
	for _, c := range text {
		switch {
		case c == '\\' || c == '"':
			to = append(to, '\\', c)
		case c == '\n':
			to = append(to, `\n`...)
		case c == '\r':
			to = append(to, `\r`...)
		case c == '\t':
			to = append(to, `\t`...)
		case c == '\a':
			to = append(to, `\a`...)
		case c == '\b':
			to = append(to, `\b`...)
		case c < ' ' || c > '~':
			to = fmt.Appendf(to, `\x%02x`, c)
		default:
			to = append(to, c)
		}
	}
	return append(to, '"')
}
