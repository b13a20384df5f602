package cluster

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
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
//	snapshots/ID/state.bin    the image; the library has its CRC-64 in meta.json
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
	list, err := store.List()
	if err != nil || len(list) == 0 {
		return im, err
	}
	im.newest = list[0].ID
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

// tidy removes unfinished images, and refuses those that the library would pass over.
func (im *images) tidy() error {
	all, err := raft.NewFileSnapshotStoreWithLogger(filepath.Dir(im.dir), math.MaxInt, hclog.NewNullLogger())
	if err != nil {
		return err
	}
	known, err := all.List()
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(im.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case !e.IsDir():
		case strings.HasSuffix(e.Name(), unfinished):
			im.logger.Info("an image that was never finished is removed", "name", e.Name())
			if err := os.RemoveAll(filepath.Join(im.dir, e.Name())); err != nil {
				return err
			}
		case !slices.ContainsFunc(known, func(m *raft.SnapshotMeta) bool { return m.ID == e.Name() }):
			return im.spoilt(e.Name(), imageMeta, errors.New("can't be read"))
		}
	}
	return nil
}

// List returns the newest image alone.
func (im *images) List() ([]*raft.SnapshotMeta, error) {
	im.mu.Lock()
	newest := im.newest
	im.mu.Unlock()
	list, err := im.SnapshotStore.List()
	if err != nil {
		return nil, err
	}
	if newest != "" && !slices.ContainsFunc(list, func(m *raft.SnapshotMeta) bool { return m.ID == newest }) {
		return nil, im.report(newest, im.spoilt(newest, imageMeta, errors.New("can't be read")))
	}
	return list[:min(1, len(list))], nil
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

// Close makes the image the newest. A crash before its sum is written leaves it without one, until the next start.
func (s *imageSink) Close() error {
	if err := s.SnapshotSink.Close(); err != nil || s.cancelled {
		return err
	}
	s.images.mu.Lock()
	s.images.newest = s.ID()
	s.images.mu.Unlock()
	return writeImageSum(filepath.Join(s.images.dir, s.ID()))
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
