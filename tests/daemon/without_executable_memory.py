"""Runs a command that may not make memory both writable and executable: systemd's ``MemoryDenyWriteExecute=``.

A script of its own, so that it can run a daemon: ``python without_executable_memory.py COMMAND...``
"""

import ctypes
import os
import platform
import struct
import sys

_MMAP, _MPROTECT, _PKEY_MPROTECT = {"x86_64": (9, 10, 329), "aarch64": (222, 226, 288)}[platform.machine()]
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38
_SECCOMP_MODE_FILTER = 2
_LOAD, _AND, _IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x45, 0x06
_NUMBER, _THIRD_ARGUMENT = 0, 32
_WRITE_AND_EXECUTE, _EXECUTE = 6, 4
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1

# Operation, where to go on (so many instructions ahead) if so and if not, operand.
_PROGRAM = [
    (_LOAD, 0, 0, _NUMBER),
    (_IF_EQUAL, 0, 3, _MMAP),
    (_LOAD, 0, 0, _THIRD_ARGUMENT),
    (_AND, 0, 0, _WRITE_AND_EXECUTE),
    (_IF_EQUAL, 5, 4, _WRITE_AND_EXECUTE),
    (_IF_EQUAL, 1, 0, _MPROTECT),
    (_IF_EQUAL, 0, 2, _PKEY_MPROTECT),
    (_LOAD, 0, 0, _THIRD_ARGUMENT),
    (_IF_ANY_BIT, 1, 0, _EXECUTE),
    (_RETURN, 0, 0, _ALLOW),
    (_RETURN, 0, 0, _REFUSE),
]


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_char_p))


def _deny() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_void_p] * 4
    program = b"".join(struct.pack("HBBI", *each) for each in _PROGRAM)
    wanted = _Filter(len(_PROGRAM), program)
    calls = [
        (_PR_SET_NO_NEW_PRIVS, 1, None, None, None),
        (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(wanted), None, None),
    ]
    for call in calls:
        if libc.prctl(*call) != 0:
            raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")


if __name__ == "__main__":
    _deny()
    os.execv(sys.argv[1], sys.argv[1:])
