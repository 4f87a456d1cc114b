"""Output at an address such as ``s3://bucket/run``: a run writes into a folder here, which is copied there."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path, PurePosixPath

import fsspec

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
            probe = f"{self._root}/.mrnet.probe"
            self._files.pipe_file(probe, b"")
            self._files.rm_file(probe)

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
        """Copies what has changed there, and then removes what was copied and is here no more.

        Args:
            names: look only at files beside folders, and at what has one of these names, two levels deep at most, with
                all below it.
        """
        found = self._stamps(self._named(names) if names else self._folder.rglob("*"))
        new = sorted(path for path, stamp in found.items() if self._sent.get(path) != stamp)
        there = {path: self._there(path.relative_to(self._folder)) for path in new}
        others = [path for path in new if path.suffix != ".json"]
        with self._explained():
            self._files.put(list(map(str, others)), [there[path] for path in others])
            # a record that tells of others comes after them
            for path in sorted(there.keys() - others, key=lambda path: len(path.parts), reverse=True):
                self._files.put_file(str(path), f"{there[path]}.tmp")
                self._files.mv(f"{there[path]}.tmp", there[path])
            for path in [path for path in self._sent if not path.exists()]:
                self._files.rm_file(self._there(path.relative_to(self._folder)))
                del self._sent[path]
        self._sent |= found

    def _there(self, name: str | Path) -> str:
        return f"{self._root}/{PurePosixPath(name)}"

    def _named(self, names: Iterable[str]) -> Iterator[Path]:
        for name in map(glob.escape, names):
            for pattern in (name, f"*/{name}", f"*/{name}.*"):
                for place in self._folder.glob(pattern):
                    yield from place.rglob("*") if place.is_dir() else (place,)

    def _stamps(self, paths: Iterable[Path]) -> dict[Path, Stamp]:
        """Of files among the paths, and of those beside folders."""
        files = {path for path in chain(self._folder.iterdir(), paths) if path.is_file() and path.suffix != ".tmp"}
        stats = {path: path.stat() for path in files}
        return {path: (one.st_ino, one.st_mtime_ns, one.st_size) for path, one in stats.items()}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        # every file system raises errors of its own
        except Exception as error:
            said = (str(error) or type(error).__name__).splitlines()[0]
            raise OutputError(f"{self._url} cannot be written: {said}") from error
