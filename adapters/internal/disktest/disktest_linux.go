// Package disktest mounts file systems for tests, which are full and read-only for root too.
package disktest

import (
	"syscall"
	"testing"
)

// Mount mounts a file system of a size ("8m") in memory until the test ends, and skips the
// test where that is refused: it takes root and a kernel that lets it.
func Mount(t *testing.T, size string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting is refused: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// ReadOnly makes what [Mount] mounted one that may not be written, or one that may again. The
// kernel refuses the first while a file of it is open for writing.
func ReadOnly(t *testing.T, dir string, is bool) {
	t.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if is {
		flags |= syscall.MS_RDONLY
	}
	if err := syscall.Mount("", dir, "", flags, ""); err != nil {
		t.Fatal(err)
	}
}
