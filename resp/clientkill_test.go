package resp

import "testing"

func TestNobodyHasTheEmptyAddress(t *testing.T) {
	other := profile{id: 2, address: "127.0.0.1:5", local: "127.0.0.1:7379"}
	for _, options := range [][][]byte{{[]byte("ADDR"), nil}, {[]byte("LADDR"), nil}, {[]byte("ID"), []byte("3")}} {
		k, err := parseKilling(options)
		if err != nil || k.fits(&other, 1) {
			t.Errorf("%q kills a client (%v)", options, err)
		}
	}
	if k, err := parseKilling([][]byte{[]byte("ADDR"), []byte("127.0.0.1:5")}); err != nil || !k.fits(&other, 1) {
		t.Errorf("a client is not known by its address (%v)", err)
	}
}
