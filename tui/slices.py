"""How long a screen that only looks on may run before somebody who wakes: what it watches goes first.

Its one rule: it gives away no share of the processor. The kernel gives a thread its share in slices, and lets
one with shorter slices run at once when it wakes; a relay, its client and its server must not wait for paint.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

_SLICE_NS = 10_000_000  # the kernel's own are 0.7 to 3 ms; it takes up to 100
#: of sched_setattr(2); few libraries have it by name
_NUMBERS = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
#: struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period, two clamps
_ATTRIBUTES = struct.Struct("=IIQiIQQQII")


def run_in_long_slices() -> bool:
    """Ask for longer slices for this thread and those it starts; whether the kernel knows what that means.

    For a thread of the ordinary policy `sched_runtime` is the length of its slices since Linux 6.12; before,
    it is ignored. Elsewhere, or where a sandbox forbids it, nothing is changed.
    """
    number = _NUMBERS.get(platform.machine())
    if sys.platform != "linux" or number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)  # stated again, or it would be lost
    wanted = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, 0, nice, 0, _SLICE_NS, 0, 0, 0, 0)
    buffer = ctypes.create_string_buffer(wanted, len(wanted))
    return bool(ctypes.CDLL(None).syscall(number, 0, buffer, 0) == 0)
