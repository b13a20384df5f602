package sim

import (
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

// FailAppend makes the next append to a host's log fail.
func (c *Cluster) FailAppend(name string, err error) {
	d := c.disk(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = err
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
