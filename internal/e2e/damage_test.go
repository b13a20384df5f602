//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// cure ends every line about damage.
const cure = "; remove this node from its cluster and let it join anew with an empty directory"

// A node whose disk has changed what was written to it does not start. As the line says, it is removed, and joins anew.
func TestADamagedNodeIsRefusedAndReplaced(t *testing.T) {
	for _, store := range []string{"wal", "bolt"} {
		t.Run(store, func(t *testing.T) {
			c := newCluster(t, 3, "--log-store", store, "--snapshot-bytes", "64KiB")
			bad := c[2] // it may lead
			l := startLoad(t, "hits", 2, c[:2]...)
			l.waitAcked(t, aroundAKill)
			eventually(t, bad.name+" has an image", func() error {
				if newestImage(bad.dir) == "" {
					return errors.New("none")
				}
				return nil
			})
			l.waitAcked(t, aroundAKill) // some entries behind it
			bad.kill(t)
			log := "log.db"
			if store == "wal" {
				log = onlyFile(t, filepath.Join(bad.dir, "log", "*.wal"))
			}
			image := newestImage(bad.dir)
			for _, file := range []string{
				log, "stable.db", "log.mark",
				filepath.Join("snapshots", image, "state.bin"), filepath.Join("snapshots", image, "meta.json"),
			} {
				bad.refuseFlips(t, file)
			}

			cli(t, "remove", "--node", c.without(bad)[0].resp, bad.name)
			if err := os.RemoveAll(bad.dir); err != nil {
				t.Fatal(err)
			}
			bad.start(t)
			c.waitVoters(t)
			l.waitAcked(t, aroundAKill)
			l.end()
			l.wantNoErrors(t)
			c.waitWhole(t)
			for key, n := range l.acknowledged(t) {
				c.wantCount(t, key, n)
			}
		})
	}
}

func TestALogOfTheOtherKindIsRefused(t *testing.T) {
	p := newProcess(t, "n1")
	p.start(t)
	p.waitReady(t)
	p.terminate(t)
	p.flags = []string{"--log-store", "bolt"}
	p.wantStartupError(t, "give --log-store wal, or remove this node from its cluster and let it join anew with an empty directory")
	p.flags = nil
	p.start(t)
	p.waitReady(t)
}

// refuseFlips changes bits of a stopped node's file in a few ways, one after the other, and puts each back after the node
// has refused to start.
func (p *process) refuseFlips(t *testing.T, file string) {
	t.Helper()
	path := filepath.Join(p.dir, file)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flags := p.flags
	p.flags = append(flags[:len(flags):len(flags)], "--log-level", "off") // the library's lines about an image
	for _, spots := range damages(t, filepath.Base(file), whole) {
		damaged := bytes.Clone(whole)
		for _, at := range spots {
			damaged[at] ^= 1
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		p.wantStartupError(t, cure)
		if t.Failed() {
			t.Fatalf("%s: a bit flipped at each of %v", file, spots)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	p.flags = flags
}

// damages are ways to damage a file, each so that it matters: the files hold pages and copies that nothing refers to.
func damages(t *testing.T, file string, content []byte) [][]int {
	t.Helper()
	const markCopy, boltPage = 512, 4096
	switch file {
	case "log.mark":
		return [][]int{{3, 3 + markCopy}}
	case "stable.db":
		return [][]int{{16}, {boltPage + 16}, every(t, content, "CurrentTerm")}
	case "log.db":
		return [][]int{{16}, every(t, content, "hits:")}
	case "state.bin", "meta.json":
		return [][]int{{0}, {len(content) / 2}, {len(content) - 1}}
	}
	entries := every(t, content, "hits:") // of wal's segment
	written := len(bytes.TrimRight(content, "\x00"))
	return [][]int{{0}, entries[:1], entries[len(entries)-1:], {written - 1}}
}

// every is where the text stands.
func every(t *testing.T, content []byte, text string) (all []int) {
	t.Helper()
	for at := 0; ; {
		next := bytes.Index(content[at:], []byte(text))
		if next < 0 {
			break
		}
		all = append(all, at+next)
		at += next + len(text)
	}
	if len(all) == 0 {
		t.Fatalf("%q stands nowhere", text)
	}
	return all
}

// newestImage is the name of a node's image; empty: it has none that is whole.
func newestImage(dir string) string {
	sums, _ := filepath.Glob(filepath.Join(dir, "snapshots", "*", "meta.sum"))
	for _, sum := range sums {
		if name := filepath.Base(filepath.Dir(sum)); filepath.Ext(name) != ".tmp" {
			return name
		}
	}
	return ""
}

// onlyFile is the one file of that pattern, relative to the directory above its own.
func onlyFile(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return filepath.Join(filepath.Base(filepath.Dir(files[0])), filepath.Base(files[0]))
}
