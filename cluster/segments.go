package cluster

import (
	"os"
	"path/filepath"

	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/types"
)

// segmentFiles are raft-wal's files, with zeros written ahead of what is appended. raft-wal allocates a segment as a whole and
// writes none of it, so on most file systems each append that gets to a fresh block changes metadata, too, and its sync writes
// those as well, through the journal that all files share. Zeros cost one larger write now and then, and the syncs in between
// nothing but the data. (Three nodes on one ext4, 4 KiB appends: 0.46 ms without, 0.20 ms with.)
type segmentFiles struct {
	*fs.FS
}

func (s segmentFiles) Create(dir, name string, size uint64) (types.WritableFile, error) {
	file, err := s.FS.Create(dir, name, size)
	if err != nil {
		return nil, err
	}
	return &segmentFile{WritableFile: file, size: int64(size)}, nil
}

func (s segmentFiles) OpenWriter(dir, name string) (types.WritableFile, error) {
	file, err := s.FS.OpenWriter(dir, name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		file.Close()
		return nil, err
	}
	return &segmentFile{WritableFile: file, size: info.Size()}, nil
}

// segmentFile is one that is appended to. What is behind the last append is of no meaning to raft-wal, and it has one writer.
type segmentFile struct {
	types.WritableFile
	size   int64 // as it was allocated: nothing is written ahead beyond
	zeroed int64 // everything up to here has been written, by appends or by zeros
}

const zeroedAhead = 256 << 10 // bytes

var zeros [zeroedAhead]byte

func (f *segmentFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.WritableFile.WriteAt(p, off)
	end := off + int64(n)
	if err != nil || end <= f.zeroed {
		return n, err
	}
	f.zeroed = end
	if ahead := min(f.size-end, zeroedAhead); ahead > 0 {
		if _, err := f.WritableFile.WriteAt(zeros[:ahead], end); err != nil {
			return n, err
		}
		f.zeroed += ahead
	}
	return n, nil
}
