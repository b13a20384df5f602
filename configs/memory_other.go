//go:build !linux

package configs

// ReadMemory knows nothing of the memory of systems other than Linux.
func ReadMemory() Memory { return Memory{} }
