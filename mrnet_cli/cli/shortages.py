"""What a machine ran out of, told in a line: memory, that of the GPU, file handles, space."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator

from mrnet_cli.errors import MrnetError
from mrnet_cli.peak_memory import MEBIBYTE, told_by_linux

_GPU = (
    "the GPU is out of memory: give a lower --size, --dtype bfloat16 or --device cpu; to train, fewer --clips, "
    "--accumulate or --checkpoint-activations"
)
_MEMORY = "this machine is out of memory, or at a limit (ulimit -v): give fewer --workers, or a lower --size"
_HANDLES = "no file handle is left{where}: raise their limit (ulimit -n 4096), or give fewer --workers"
_THREADS = "no more threads or processes can be started: raise their limit (ulimit -u), or give fewer --workers"
_SPACE = "no space is left{where}: make room, also for temporary files, or choose another --output"
# of torch, OpenCV, the loader of libraries, and zlib
_MEMORY_WORDS = ("not enough memory", "allocate memory", "insufficient memory", "failed to map segment", "bad_alloc")
# of oneDNN, where there is none for the code that it writes; with more words after it, it means something else
_PRIMITIVE = "could not create a primitive"
# MiB below the limit of addresses, where libraries that cannot be loaded in full fail in ways of their own
_NEAR = 256
_THREAD_WORDS = ("can't start new thread", "resource temporarily unavailable")


def shortage(error: BaseException) -> str | None:
    """The line for an error, or for what it came of; None where it speaks of no shortage, or says so itself.

    >>> shortage(MemoryError()) == shortage(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    True
    >>> shortage(MemoryError()) == shortage(RuntimeError("could not create a primitive"))
    True
    >>> shortage(OSError(errno.EMFILE, "Too many open files", "a.png"))
    'no file handle is left for a.png: raise their limit (ulimit -n 4096), or give fewer --workers'
    >>> shortage(ValueError("a mistake of ours")) is None
    True
    """
    # an error of ours names the file, but may take for a broken one what there was no memory for
    ours = isinstance(error, MrnetError)
    for cause in _causes(error):
        if line := _memory(cause) or (None if ours else _system(cause)):
            return line
    return f"{_MEMORY} ({type(error).__name__}: {error})" if not ours and _at_limit() else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _memory(error: BaseException) -> str | None:
    # looked up, since what scores masks does without torch
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return _GPU
    words = str(error).lower()
    short = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    return _MEMORY if short or words == _PRIMITIVE or any(one in words for one in _MEMORY_WORDS) else None


def _at_limit() -> bool:
    peak = told_by_linux("VmPeak")
    if peak is None:
        return False
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return limit != resource.RLIM_INFINITY and peak > limit / MEBIBYTE - _NEAR


def _system(error: BaseException) -> str | None:
    if any(one in str(error).lower() for one in _THREAD_WORDS):
        return _THREADS
    if not isinstance(error, OSError):
        return None
    where = f" for {error.filename}" if error.filename else ""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return _HANDLES.format(where=where)
    return _SPACE.format(where=where) if error.errno in (errno.ENOSPC, errno.EDQUOT) else None
