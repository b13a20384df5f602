package main

import (
	"syscall"

	"github.com/hashicorp/go-hclog"
)

// reservedFiles are file descriptors that clients may not take: for the log, which has a file for each 64 MiB and keeps some
// 4 GiB at most behind a snapshot, for images, for peers, and for what is being turned away. Without them a crowd of clients
// would keep the node from writing its log, and end it. (Redis reserves 32 for the same reason; it has fewer files.)
const reservedFiles = 256

// clientsFor is how many of the clients that are asked for a node can have with so many file descriptors: at least half of
// them are for clients.
func clientsFor(asked int, files uint64) int {
	room := max(1, files/2, files-min(files, reservedFiles))
	return int(min(uint64(asked), room))
}

// allowedClients is clientsFor with what the system allows this process, and says so if that is less. (Go has raised the limit
// as far as it may.)
func allowedClients(asked int, log hclog.Logger) int {
	var files syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) != nil {
		return asked
	}
	clients := clientsFor(asked, files.Cur)
	if clients < asked {
		log.Warn("fewer clients than max-clients: the limit of file descriptors is low, raise it (ulimit -n)",
			"clients", clients, "max-clients", asked, "descriptors", files.Cur)
	}
	return clients
}
