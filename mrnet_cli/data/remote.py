"""Output at an address such as ``s3://bucket/run``: a run writes into a folder here, which is copied there."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path, PurePosixPath

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

from mrnet_cli.errors import OutputError

# of a file: inode, time and size, which tell it from one that took its place
Stamp = tuple[int, int, int]


class Remote:
    """A folder at an fsspec address and its counterpart here.

    Whatever breaks off, a record there never speaks of files that are not: it is copied after them, and appears whole.

    Args:
        url: protocol, ``://`` and path.
        folder: the counterpart, which holds nothing yet.

    Raises:
        OutputError: nothing can be written there; no trace is left of the try.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder
        self._sent: dict[Path, Stamp] = {}
        with self._explained():
            self._files, self._root = fsspec.url_to_fs(url)
            if isinstance(self._files, MemoryFileSystem):
                raise OSError("what is there ends with this run; give a folder, or the address of a store")
            probe = f"{self._root}/.mrnet.probe"
            # where nothing can be removed, nothing is left behind
            self._remove(probe)
            try:
                self._files.pipe_file(probe, b"")
            finally:
                self._remove(probe)

    def holds(self, name: str) -> bool:
        """Whether a file is there."""
        with self._explained():
            return bool(self._files.exists(self._there(name)))

    def fetch(self) -> None:
        """Copies here what an earlier run wrote there."""
        with self._explained():
            names = [path.removeprefix(self._root).lstrip("/") for path in self._files.find(self._root)]
            inside = [name for name in names if ".." not in PurePosixPath(name).parts]
            for name in inside:
                (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            self._files.get([self._there(name) for name in inside], [str(self._folder / name) for name in inside])
        self._sent = self._stamps(self._folder.rglob("*"))

    def commit(self, *names: str) -> None:
        """Copies what has changed there.

        Args:
            names: look only at files beside folders, and at what has one of these names, two levels deep at most, with
                all below it; what is gone of that is removed there too.
        """
        found = self._stamps(self._named(names) if names else self._folder.rglob("*"))
        new = sorted(path for path, stamp in found.items() if self._sent.get(path) != stamp)
        there = {path: self._there(path.relative_to(self._folder)) for path in new}
        others = [path for path in new if path.suffix != ".json"]
        gone = [path for path in self._sent if self._is_named(path, names) and not path.exists()]
        with self._explained():
            # a record goes before what it tells of
            for path in sorted(gone, key=lambda path: path.suffix != ".json"):
                self._remove(self._there(path.relative_to(self._folder)))
                del self._sent[path]
            self._files.put(list(map(str, others)), [there[path] for path in others])
            # a record that tells of others comes after them
            for path in sorted(there.keys() - others, key=lambda path: len(path.parts), reverse=True):
                self._files.put_file(str(path), f"{there[path]}.tmp")
                self._files.mv(f"{there[path]}.tmp", there[path])
        self._sent |= found

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._files.rm_file(path)

    def _there(self, name: str | Path) -> str:
        return f"{self._root}/{PurePosixPath(name)}"

    def _named(self, names: Iterable[str]) -> Iterator[Path]:
        for pattern in _patterns(names):
            for place in self._folder.glob(pattern):
                yield from place.rglob("*") if place.is_dir() else (place,)

    def _is_named(self, path: Path, names: Iterable[str]) -> bool:
        parts = path.relative_to(self._folder).parts
        return any(fnmatchcase("/".join(parts[:depth]), one) for one in _patterns(names) for depth in (1, 2))

    def _stamps(self, paths: Iterable[Path]) -> dict[Path, Stamp]:
        """Of files among the paths, and of those beside folders."""
        files = {path for path in chain(self._folder.iterdir(), paths) if path.is_file() and path.suffix != ".tmp"}
        stats = {path: path.stat() for path in files}
        return {path: (one.st_ino, one.st_mtime_ns, one.st_size) for path, one in stats.items()}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except NotImplementedError as error:
            remedy = "its protocol does not write; give a folder, or the address of a store"
            raise OutputError(f"{self._url} cannot be written: {remedy}") from error
        # every file system raises errors of its own
        except Exception as error:
            said = (str(error) or type(error).__name__).splitlines()[0]
            raise OutputError(f"{self._url} cannot be written: {said}") from error


def _patterns(names: Iterable[str]) -> list[str]:
    return [pattern for name in map(glob.escape, names) for pattern in (name, f"*/{name}", f"*/{name}.*")]
