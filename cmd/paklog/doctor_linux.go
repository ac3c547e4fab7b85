package main

import "syscall"

// mountedReadOnly is ST_RDONLY of statfs(2).
const mountedReadOnly = 0x1

// filesystemOf names the kind of a filesystem by its magic number (statfs(2)).
func filesystemOf(st *syscall.Statfs_t) string {
	switch uint32(st.Type) {
	case 0x01021994, 0x858458f6: // tmpfs, ramfs
		return onMemory
	case 0x794c7630:
		return layered
	case 0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x00c36400, 0x0bd00bd0: // NFS, SMB, CIFS, SMB 2, AFS, Ceph, Lustre
		return overNet
	case 0x01021997, 0x786f4256: // 9p, VirtualBox
		return onMachines
	case 0x65735546:
		return byProgram
	}
	return onDisk
}
