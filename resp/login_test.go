package resp

import (
	"strings"
	"testing"
)

// What Redis says with the same password.
func TestTheListOfUsersSaysWhetherThereIsAPassword(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("ACL LIST\r\n")
	c.wants(`1) "user default on nopass ~* &* +@all"`)
	c.session.door.password = newPassword([]byte("sesame"))
	c.send("ACL LIST\r\n")
	c.wants(`1) "user default on #d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272 ~* &* +@all"`)
}

func TestNoPasswordIsRememberedWithASlowCommand(t *testing.T) {
	for _, command := range []string{"AUTH sesame", "AUTH default sesame", "AUTH a sesame sesame", "HELLO 3 AUTH default sesame SETNAME x",
		"HELLO 3 SETNAME AUTH AUTH default sesame", "HELLO 2 AUTH default open AUTH default sesame", "HELLO 2 FOO AUTH default sesame"} {
		c := newClient(t, newTestCluster(t))
		c.session.door.password = newPassword([]byte("sesame"))
		c.send("CONFIG SET slowlog-log-slower-than 0\r\n" + command + "\r\n")
		entries := c.session.door.slowlog.newest(1)
		if len(entries) != 1 || !is([]byte(entries[0].args[0]), command[:strings.IndexByte(command, ' ')]) {
			t.Fatalf("%s: remembered are %v", command, entries)
		}
		for _, arg := range entries[0].args {
			if arg == "sesame" {
				t.Errorf("%s is remembered as %q", command, entries[0].args)
			}
		}
	}
}
