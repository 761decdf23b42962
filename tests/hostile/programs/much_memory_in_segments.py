"""Takes memory that no process maps: shared-memory segments (shmget(2))."""

import ctypes

libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
for _ in range(75):
    address = libc.shmat(libc.shmget(0, 4 << 20, 0o1666), None, 0)
    ctypes.memset(address, 1, 4 << 20)
    libc.shmdt(ctypes.c_void_p(address))

import right
