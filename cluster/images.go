package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// images is the library's file store, without its leniency. Where the newest image can't be read, the library takes an older
// one in silence, and then finds the log cut in front of what follows. Here only the newest exists; when it is damaged the
// node does not start, and a leader sends none.
//
//	snapshots/ID              ID is the library's: term, index, and milliseconds since the Unix epoch, with dashes between
//	             state.bin    the image; the library has its CRC-64 in meta.json
//	             meta.json    index, term, members, …, and the name of the directory
//	             meta.sum     CRC-32C of meta.json, in hex; ours. An image of an older build has none until the next start
type images struct {
	raft.SnapshotStore
	dir     string // where the images are
	logger  hclog.Logger
	damaged func(error) // if not nil: told of an image that turned out damaged, once for each; may start a new one

	mu       sync.Mutex
	newest   string // the ID; empty: there is none
	reported string // the last ID that damaged was told of
}

const (
	imageMeta  = "meta.json"
	imageState = "state.bin"
	imageSum   = "meta.sum"
	unfinished = ".tmp"
)

// openImages removes what crashes have left unfinished, and reads the newest image to see that it is whole.
func openImages(dir string, logger hclog.Logger) (*images, error) {
	im := &images{dir: filepath.Join(dir, snapshotDir), logger: logger.Named("snapshot")}
	if err := os.MkdirAll(im.dir, 0o700); err != nil {
		return nil, err
	}
	if err := im.tidy(); err != nil {
		return nil, err
	}
	store, err := raft.NewFileSnapshotStoreWithLogger(dir, keptSnapshots, im.logger)
	if err != nil {
		return nil, err
	}
	im.SnapshotStore = store
	if im.newest == "" {
		return im, nil
	}
	if err := im.checkMeta(im.newest); err != nil {
		return nil, err
	}
	_, image, err := store.Open(im.newest)
	if err != nil {
		return nil, im.spoilt(im.newest, imageState, err)
	}
	image.Close()
	return im, writeImageSum(filepath.Join(im.dir, im.newest))
}

// tidy removes unfinished images, finds the newest, and removes those before it that are damaged: it has replaced them, and
// the library would neither use nor ever remove them.
func (im *images) tidy() error {
	entries, err := os.ReadDir(im.dir)
	if err != nil {
		return err
	}
	var older []string
	for _, e := range entries {
		switch {
		case !e.IsDir():
		case strings.HasSuffix(e.Name(), unfinished):
			im.logger.Info("an image that was never finished is removed", "name", e.Name())
			if err := os.RemoveAll(filepath.Join(im.dir, e.Name())); err != nil {
				return err
			}
		case !imageOrder(e.Name()).known():
			return im.spoilt(e.Name(), imageMeta, errors.New("of no image"))
		case im.newest == "":
			im.newest = e.Name()
		case newerImage(e.Name(), im.newest):
			older, im.newest = append(older, im.newest), e.Name()
		default:
			older = append(older, e.Name())
		}
	}
	for _, id := range older {
		if err := im.checkMeta(id); err != nil {
			im.logger.Warn("an image is damaged, a newer one has replaced it: it is removed", "error", err)
			if err := os.RemoveAll(filepath.Join(im.dir, id)); err != nil {
				return err
			}
		}
	}
	return nil
}

// List returns the newest image alone.
func (im *images) List() ([]*raft.SnapshotMeta, error) {
	im.mu.Lock()
	newest := im.newest
	im.mu.Unlock()
	if newest == "" {
		return nil, nil
	}
	list, err := im.SnapshotStore.List()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(list, func(m *raft.SnapshotMeta) bool { return m.ID == newest })
	if at < 0 {
		return nil, im.report(newest, im.spoilt(newest, imageMeta, errors.New("can't be read")))
	}
	return list[at : at+1], nil
}

// Open opens an image, after reading it once to compare its checksum.
func (im *images) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	if err := im.checkMeta(id); err != nil {
		return nil, nil, im.report(id, err)
	}
	meta, image, err := im.SnapshotStore.Open(id)
	if err != nil {
		return nil, nil, im.report(id, im.spoilt(id, imageState, err))
	}
	return meta, image, nil
}

func (im *images) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configurationIndex uint64, trans raft.Transport) (raft.SnapshotSink, error) {
	sink, err := im.SnapshotStore.Create(version, index, term, configuration, configurationIndex, trans)
	if err != nil {
		return nil, err
	}
	return &imageSink{SnapshotSink: sink, images: im}, nil
}

type imageSink struct {
	raft.SnapshotSink
	images    *images
	cancelled bool
}

func (s *imageSink) Cancel() error {
	s.cancelled = true
	return s.SnapshotSink.Cancel()
}

// Close makes the image the newest, unless a newer one was received meanwhile. A crash before its sum is written leaves it
// without one, until the next start.
func (s *imageSink) Close() error {
	if err := s.SnapshotSink.Close(); err != nil || s.cancelled {
		return err
	}
	s.images.mu.Lock()
	replaced := s.images.newest != "" && newerImage(s.images.newest, s.ID())
	if !replaced {
		s.images.newest = s.ID()
	}
	s.images.mu.Unlock()
	if replaced {
		return nil
	}
	return writeImageSum(filepath.Join(s.images.dir, s.ID()))
}

// order is what an image's ID says of its age.
type order struct{ term, index, millis uint64 }

// imageOrder is the zero value for what is no ID.
func imageOrder(id string) (o order) {
	if _, err := fmt.Sscanf(id, "%d-%d-%d", &o.term, &o.index, &o.millis); err != nil || fmt.Sprintf("%d-%d-%d", o.term, o.index, o.millis) != id {
		return order{}
	}
	return o
}

func (o order) known() bool { return o != order{} }

// newerImage reports whether a is newer than b.
func newerImage(a, b string) bool {
	x, y := imageOrder(a), imageOrder(b)
	return cmp.Or(cmp.Compare(x.term, y.term), cmp.Compare(x.index, y.index), cmp.Compare(x.millis, y.millis)) > 0
}

// report tells of a damaged image once, and returns the error.
func (im *images) report(id string, err error) error {
	im.mu.Lock()
	again := im.reported == id
	im.reported = id
	im.mu.Unlock()
	if again {
		return err
	}
	im.logger.Error("an image is damaged, it is sent to nobody", "error", err)
	if im.damaged != nil {
		im.damaged(err)
	}
	return err
}

func (im *images) spoilt(id, file string, err error) error {
	return fmt.Errorf("%s: %w: %w", filepath.Join(snapshotDir, id, file), err, errDamaged)
}

// checkMeta compares an image's meta.json with its sum, if it has one.
func (im *images) checkMeta(id string) error {
	meta, err := os.ReadFile(filepath.Join(im.dir, id, imageMeta))
	if err != nil {
		return im.spoilt(id, imageMeta, err)
	}
	want, err := os.ReadFile(filepath.Join(im.dir, id, imageSum))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && string(want) != imageSumOf(meta) {
		err = errors.New("does not match " + imageSum)
	}
	if err != nil {
		return im.spoilt(id, imageMeta, err)
	}
	return nil
}

// writeImageSum writes the sum of an image's meta.json, if it has none. The sum is renamed into place: it is whole or not there.
func writeImageSum(image string) error {
	path := filepath.Join(image, imageSum)
	if there, err := exists(path); there || err != nil {
		return err
	}
	meta, err := os.ReadFile(filepath.Join(image, imageMeta))
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+unfinished, []byte(imageSumOf(meta)), 0o600); err != nil {
		return err
	}
	if err := syncFile(path + unfinished); err != nil {
		return err
	}
	if err := os.Rename(path+unfinished, path); err != nil {
		return err
	}
	return syncFile(image)
}

func imageSumOf(meta []byte) string { return fmt.Sprintf("%08x", crc32.Checksum(meta, castagnoli)) }
