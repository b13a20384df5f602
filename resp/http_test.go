package resp

import (
	"strings"
	"testing"
)

func TestHTTPIsCutOffWithoutAnAnswerAndLoggedOnce(t *testing.T) {
	var log lines
	s := serveTCP(t, Options{Cluster: autoCluster(t), Logf: log.logf})
	for _, request := range []string{
		"INCR a\r\nPOST / HTTP/1.1\r\nHost: localhost\r\n\r\nINCR a\r\n",
		"INCR a\r\nhost: x\r\nINCR a\r\n",
		"INCR a\r\n" + packed("Post", "x") + "INCR a\r\n",
	} {
		u := s.dial()
		u.send(request)
		if got, err := readReply(u.r); err != nil || !strings.HasPrefix(got, "(integer) ") {
			t.Errorf("%q: the command in front answers %q, %v", request, got, err)
		}
		u.wantsEnd()
	}
	u := s.dial()
	u.send("GET a\r\n")
	u.wants(`"3"`)
	if n := log.with("POST or Host:"); n != 1 || s.Stats().Foreign != 3 {
		t.Errorf("%d lines in the log, %+v", n, s.Stats())
	}
}
