package blob

import (
	"os"
	"syscall"
)

// direct lets what is written to f and read of it go past the page cache, or through it again. It
// reports whether the file system does that.
func direct(f *os.File, on bool) bool {
	c, err := f.SyscallConn()
	if err != nil {
		return false
	}
	done := false
	err = c.Control(func(fd uintptr) {
		flags, _, no := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
		if no != 0 {
			return
		}
		if flags &^= syscall.O_DIRECT; on {
			flags |= syscall.O_DIRECT
		}
		_, _, no = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_SETFL, flags)
		done = no == 0
	})
	return done && err == nil
}
