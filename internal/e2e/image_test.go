//go:build e2e

package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	imagesSeen = 3
	keptImages = 2 // and one that is being written
	// directoryLimit is one segment of the log, the next one, and room for all else.
	directoryLimit = 160 << 20
)

// The smallest --snapshot-bytes makes an image due whenever it is looked at, which is each second.
func TestImagesUnderLoadKeepTheDirectorySmall(t *testing.T) {
	c := newCluster(t, 3, "--snapshot-bytes", "1")
	l := startLoad(t, "hits", 4, c...)
	for _, p := range c {
		eventually(t, p.name+" writes images", func() error {
			if n := strings.Count(p.output.String(), "image written"); n < imagesSeen {
				return fmt.Errorf("%d", n)
			}
			return nil
		})
		images, err := os.ReadDir(filepath.Join(p.dir, "snapshots"))
		if err != nil || len(images) > keptImages+1 {
			t.Errorf("%s keeps %v, %v", p.name, images, err)
		}
		if size := taken(t, p.dir); size > directoryLimit {
			t.Errorf("%s takes %d MiB on disk", p.name, size>>20)
		}
	}
	l.waitAcked(t, aroundAKill)
	l.end()
	l.wantNoErrors(t)
	for _, p := range c {
		p.kill(t)
	}
	for _, p := range c {
		p.start(t)
	}
	c.waitWhole(t)
	for key, n := range l.acknowledged(t) {
		c.wantCount(t, key, n)
	}
}

// taken is what a directory takes on disk. Files may come and go meanwhile.
func taken(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				bytes += stat.Blocks * 512
			}
		}
		return nil
	})
	return bytes
}
