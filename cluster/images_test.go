package cluster

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

func mustImages(t *testing.T, dir string) *images {
	t.Helper()
	im, err := openImages(dir, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// take makes an image as of index, and returns its directory.
func take(t *testing.T, im *images, index uint64) string {
	t.Helper()
	_, trans := raft.NewInmemTransport("")
	sink, err := im.Create(1, index, 1, raft.Configuration{}, 1, trans)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(sink, "the image"); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(im.dir, sink.ID())
}

func flipFirst(t *testing.T, path ...string) {
	t.Helper()
	change(t, filepath.Join(path...), func(b []byte) []byte { b[0] ^= 1; return b })
}

func TestOnlyTheNewestImageExists(t *testing.T) {
	dir := t.TempDir()
	im := mustImages(t, dir)
	if list, err := im.List(); err != nil || len(list) != 0 {
		t.Errorf("at first: %v, %v", list, err)
	}
	for index := uint64(10); index < 14; index++ {
		take(t, im, index)
	}
	for _, im := range []*images{im, mustImages(t, dir)} {
		list, err := im.List()
		if err != nil || len(list) != 1 || list[0].Index != 13 {
			t.Fatalf("%v, %v; want the one of index 13", list, err)
		}
		_, image, err := im.Open(list[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		defer image.Close()
		if text, err := io.ReadAll(image); string(text) != "the image" {
			t.Errorf("it holds %q, %v", text, err)
		}
	}
}

func TestADamagedImageIsRefusedAtTheStart(t *testing.T) {
	for _, file := range []string{imageState, imageMeta, imageSum} {
		dir := t.TempDir()
		im := mustImages(t, dir)
		take(t, im, 10)
		flipFirst(t, take(t, im, 11), file)
		if _, err := openImages(dir, hclog.NewNullLogger()); !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "1-11-") {
			t.Errorf("%s of the newest: %v", file, err)
		}
	}
	dir := t.TempDir()
	im := mustImages(t, dir)
	image := take(t, im, 10)
	change(t, filepath.Join(image, imageMeta), func(b []byte) []byte {
		return []byte(strings.Replace(string(b), `"Index":10`, `"Index":30`, 1)) // still good JSON
	})
	if _, err := openImages(dir, hclog.NewNullLogger()); !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), imageMeta) {
		t.Errorf("another index: %v", err)
	}
}

func TestAnUnfinishedImageIsRemoved(t *testing.T) {
	dir := t.TempDir()
	im := mustImages(t, dir)
	take(t, im, 10)
	_, trans := raft.NewInmemTransport("")
	if _, err := im.Create(1, 11, 1, raft.Configuration{}, 1, trans); err != nil {
		t.Fatal(err)
	}
	mustImages(t, dir)
	if left, _ := filepath.Glob(filepath.Join(im.dir, "*"+unfinished)); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	sink, err := im.Create(1, 12, 1, raft.Configuration{}, 1, trans)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sink.Cancel(), sink.Close()); err != nil {
		t.Fatal(err)
	}
	if list, err := im.List(); err != nil || len(list) != 1 || list[0].Index != 10 {
		t.Errorf("after one was cancelled: %v, %v", list, err)
	}
}

func TestAnImageOfAnOlderBuildGetsItsSum(t *testing.T) {
	dir := t.TempDir()
	image := take(t, mustImages(t, dir), 10)
	if err := os.Remove(filepath.Join(image, imageSum)); err != nil {
		t.Fatal(err)
	}
	mustImages(t, dir)
	if _, err := os.Stat(filepath.Join(image, imageSum)); err != nil {
		t.Error(err)
	}
}

// What a leader would send: the newest, or nothing. Never an older one, from which the log does not go on.
func TestADamagedImageIsSentToNobodyAndToldOfOnce(t *testing.T) {
	for _, file := range []string{imageState, imageMeta, imageSum} {
		told := 0
		im := mustImages(t, t.TempDir())
		im.damaged = func(err error) {
			if told++; !errors.Is(err, errDamaged) {
				t.Errorf("%s: told of %v", file, err)
			}
		}
		take(t, im, 10)
		image := take(t, im, 11)
		flipFirst(t, image, file)
		for range 3 {
			list, err := im.List()
			if err != nil {
				continue
			}
			if list[0].Index != 11 {
				t.Errorf("%s: the image of index %d is taken for the newest", file, list[0].Index)
			}
			if _, _, err := im.Open(list[0].ID); err == nil {
				t.Errorf("%s: it can be sent", file)
			}
		}
		if told != 1 {
			t.Errorf("%s: told %d times", file, told)
		}
		take(t, im, 12)
		if list, err := im.List(); err != nil || list[0].Index != 12 {
			t.Errorf("%s: after the next: %v, %v", file, list, err)
		}
	}
}

// A follower may be sent an image while it still writes an older one of its own.
func TestAnOlderImageThatEndsLaterIsNotTheNewest(t *testing.T) {
	im := mustImages(t, t.TempDir())
	_, trans := raft.NewInmemTransport("")
	older, err := im.Create(1, 10, 1, raft.Configuration{}, 1, trans)
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range []uint64{20, 21} { // as many as are kept: the older one is removed as soon as it is whole
		take(t, im, index)
	}
	if err := older.Close(); err != nil {
		t.Error(err)
	}
	if list, err := im.List(); err != nil || len(list) != 1 || list[0].Index != 21 {
		t.Errorf("%v, %v; want the one of index 21", list, err)
	}
}

// A running node whose image turns out damaged takes another one, and must start with that.
func TestADamagedImageThatWasReplacedIsRemovedAtTheStart(t *testing.T) {
	for _, file := range []string{imageState, imageMeta, imageSum} {
		dir := t.TempDir()
		im := mustImages(t, dir)
		image := take(t, im, 11)
		flipFirst(t, image, file)
		take(t, im, 11)
		list, err := mustImages(t, dir).List()
		if err != nil || len(list) != 1 || filepath.Base(image) == list[0].ID {
			t.Errorf("%s: %v, %v", file, list, err)
		}
	}
}
