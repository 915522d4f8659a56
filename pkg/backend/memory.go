package backend

import "runtime/debug"

// GiveBack gives memory that is not in use back to the system: Go's, and what the allocator of C keeps after a plugin
// has compiled a graph, which is some hundred megabytes for a large one.
func GiveBack() {
	debug.FreeOSMemory()
	trim()
}
