//go:build !linux

package main

import "syscall"

// mountedReadOnly is MNT_RDONLY of statfs(2).
const mountedReadOnly = 0x1

// filesystemOf is not known here: the kind has another number on each system.
func filesystemOf(*syscall.Statfs_t) string { return onDisk }
