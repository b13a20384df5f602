package sim

import (
	"bytes"
	"math"
	"time"
)

// Pass lets virtual time pass.
func (c *Cluster) Pass(d time.Duration) { time.Sleep(d) }

// Freeze makes every write of a host's disk hang until Thaw. Reads go on, as from a cache.
func (c *Cluster) Freeze(name string) {
	d := c.disk(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.frozen == nil {
		d.frozen = make(chan struct{})
	}
}

// Thaw lets the writes go on. So does a crash of the host.
func (c *Cluster) Thaw(name string) {
	d := c.disk(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.thawLocked()
}

func (d *disk) thawLocked() {
	if d.frozen != nil {
		close(d.frozen)
		d.frozen = nil
	}
}

// Slow makes every write that begins from now on take so long.
func (c *Cluster) Slow(name string, latency time.Duration) {
	d := c.disk(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.latency = latency
}

// Stall makes every write of a host's disk hang for a time.
func (c *Cluster) Stall(name string, length time.Duration) {
	c.Freeze(name)
	d := c.disk(name)
	time.AfterFunc(length, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.thawLocked()
	})
}

// Access is what a node does with its disk.
type Access uint8

const (
	Append     Access = iota + 1 // to the log
	Sync                         // of what was appended. Behind one that failed, nothing appended outlives a crash, whatever later ones say
	Truncate                     // the log, at either end
	StoreValue                   // a term, a vote, an identity
	StoreImage                   // its end: until then there is none
	ReadEntry                    // of the log
	ReadValue                    //
	ReadImage                    // to start from it, or to send it
)

// Fail makes the next access of a kind to a host's disk fail, unless it crashes before. A nil error takes that back.
func (c *Cluster) Fail(name string, what Access, err error) {
	d := c.disk(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing[what] = err
}

// FailAppend makes the next append to a host's log fail.
func (c *Cluster) FailAppend(name string, err error) { c.Fail(name, Append, err) }

func (d *disk) failLocked(what Access) error {
	err := d.failing[what]
	if err != nil {
		delete(d.failing, what)
		d.failed++
	}
	return err
}

// Failed is how many accesses to a host's disk have failed by Fail, over all its lives.
func (c *Cluster) Failed(name string) int {
	d := c.disk(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// Damage flips a bit of an entry on a host's disk, and tells which; 0: none is there. (Images are damaged as files, by tests of
// the package cluster: what checks them is the store of files.)
func (c *Cluster) Damage(name string) (index uint64) {
	d := c.disk(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	var full []uint64
	for i := d.first; i <= d.last && d.last > 0; i++ {
		if len(d.log[i].Data) > 0 {
			full = append(full, i)
		}
	}
	if len(full) == 0 {
		return 0
	}
	index = full[d.rng.IntN(len(full))]
	bad := *d.log[index]
	bad.Data = d.flipped(bad.Data)
	d.log[index] = &bad
	return index
}

func (d *disk) flipped(data []byte) []byte {
	data = bytes.Clone(data)
	bit := d.rng.IntN(8 * len(data))
	data[bit/8] ^= 1 << (bit % 8)
	return data
}

// SetFree says how many bytes of a host's disk are free, of diskSize. Nothing uses them up by itself.
func (c *Cluster) SetFree(name string, bytes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts[name].free = bytes
}

const (
	diskSize = 100 << 30 // bytes
	allFree  = math.MaxUint64
)

func (c *Cluster) space(h *Host) (free, total uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return min(h.free, diskSize), diskSize, nil
}

func (c *Cluster) disk(name string) *disk {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hosts[name].disk
}
