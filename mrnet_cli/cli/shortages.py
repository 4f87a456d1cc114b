"""What a machine ran out of, told in a line: memory, that of the GPU, file handles, space."""

from __future__ import annotations

import errno
import sys

_GPU = (
    "the GPU is out of memory: give a lower --size, --dtype bfloat16 or --device cpu; to train, fewer --clips, "
    "--accumulate or --checkpoint-activations"
)
_MEMORY = "this machine is out of memory, or at a limit (ulimit -v): give a lower --size, or fewer --workers"
_HANDLES = "no file handle is left{where}: raise their limit (ulimit -n 4096), or give fewer --workers"
_THREADS = "no more threads or processes can be started: raise their limit (ulimit -u), or give fewer --workers"
_OTHER = {
    errno.ENOSPC: "no space is left: make room, or choose another --output",
    errno.EDQUOT: "the quota is used up: make room, or choose another --output",
    errno.EROFS: "the place is read-only: choose another --output",
    errno.EIO: "the disk fails: copy what it holds elsewhere",
}
# of torch, OpenCV, the loader of libraries, and zlib
_MEMORY_WORDS = ("not enough memory", "allocate memory", "insufficient memory", "failed to map segment", "bad_alloc")
_THREAD_WORDS = ("can't start new thread", "resource temporarily unavailable", "fork: ")


def shortage(error: BaseException) -> str | None:
    """The line for an error, or for what it came of; None where it speaks of no shortage.

    >>> shortage(MemoryError()) == shortage(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    True
    >>> shortage(OSError(errno.ENOSPC, "No space left on device", "out/a.png"))
    'out/a.png: no space is left: make room, or choose another --output'
    >>> shortage(ValueError("a mistake of ours")) is None
    True
    """
    while True:
        line = _line(error)
        if line is not None:
            return line
        cause = error.__cause__ or error.__context__
        if cause is None:
            return None
        error = cause


def _line(error: BaseException) -> str | None:
    # looked up, since what scores masks does without torch
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return _GPU
    words = str(error).lower()
    if isinstance(error, MemoryError) or any(one in words for one in _MEMORY_WORDS):
        return _MEMORY
    if any(one in words for one in _THREAD_WORDS):
        return _THREADS
    if not isinstance(error, OSError):
        return None
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return _HANDLES.format(where=f" for {error.filename}" if error.filename else "")
    if error.errno == errno.ENOMEM:
        return _MEMORY
    remedy = _OTHER.get(error.errno or 0)
    return remedy and (f"{error.filename}: {remedy}" if error.filename else remedy)
