"""Shards that lie in a folder, or come to lie there while the training is under way."""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch

from mrnet_cli.errors import DataError
from mrnet_cli.training.device_clips.shards import Shard, read_shard
from mrnet_cli.training.device_clips.store import PixelStore


class Arrivals:
    """Fills a store from a folder of shards.

    Args:
        folder: of the shards.
        device: where their pixels are kept.

    Raises:
        DataError: the folder holds no shard, or one that is broken.

    Attributes:
        store: what has arrived.
        taken: names of the shards in the store, in order.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        self._folder, self._pool = folder, ThreadPoolExecutor(1)
        self._coming: tuple[Path, Future[Shard]] | None = None
        self._failed: Counter[Path] = Counter()
        self.taken: list[str] = []
        waiting = self._waiting()
        if not waiting:
            raise DataError([f"{folder} holds no shard: write shards with benchmarks/pack_training_data.py"])
        first = read_shard(waiting[0])
        self.store = PixelStore(first.pixels, device)
        self._take(waiting[0], first)
        for path in waiting[1:]:
            self._take(path, read_shard(path))

    def look(self) -> bool:
        """Takes a shard that has been decoded meanwhile, or begins to decode one that is new.

        A file that is not whole yet is tried again, after those that were tried less.

        Returns:
            Whether there are more pictures now.
        """
        if self._coming is None:
            waiting = self._waiting()
            if waiting:
                path = min(waiting, key=self._failed.__getitem__)
                self._coming = path, self._pool.submit(read_shard, path)
            return False
        path, decoding = self._coming
        if not decoding.done():
            return False
        self._coming = None
        try:
            self._take(path, decoding.result())
        except DataError as error:
            self._failed[path] += 1
            print(f"tried again later: {error}", file=sys.stderr)
            return False
        return True

    def _take(self, path: Path, shard: Shard) -> None:
        self.store.add(shard)
        self.taken.append(path.name)

    def _waiting(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("shard-*-of-*.zip") if path.name not in self.taken)
