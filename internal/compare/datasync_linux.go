package main

import (
	"os"
	"syscall"
)

// dataSync is what Redis and Truecount do after they have written.
func dataSync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
