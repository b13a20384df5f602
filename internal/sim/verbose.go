package sim

import "os"

// verbose reports whether whoever debugs asked for the Nodes' logs.
func verbose() bool { return os.Getenv("SIM_LOG") != "" }
