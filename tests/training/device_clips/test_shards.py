"""Shards: everything is in them, within their size, in an order that lets a training begin with the first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mrnet_cli.errors import DataError
from mrnet_cli.training.device_clips.shards import pack, read_shard
from mrnet_cli.training.sources import PictureFiles

Files = tuple[PictureFiles, ...]


@pytest.fixture
def videos(tmp_path: Path, write_video: Callable[..., Files]) -> list[Files]:
    return [write_video(tmp_path / name, frames) for name, frames in (("a", 4), ("b", 6), ("c", 5))]


@pytest.fixture
def stills(tmp_path: Path, write_stills: Callable[..., Files]) -> Files:
    return write_stills(tmp_path / "stills")


def test_what_is_packed_comes_back_videos_first(videos: list[Files], stills: Files, tmp_path: Path) -> None:
    (path,) = pack(videos, stills, tmp_path, most_bytes=2**20)
    assert path.name == "shard-1-of-1.zip"
    shard = read_shard(path)
    assert shard.videos == (4, 6, 5)
    assert shard.pixels == 15 * 80 * 120 + 3 * 90 * 90
    expected = [files.read() for video in videos for files in video]
    for entry, picture in zip(shard.pictures, expected, strict=False):
        np.testing.assert_array_equal(entry.pixels[..., :3], picture.image)
        np.testing.assert_array_equal(entry.pixels[..., 3], picture.ids)
    packed = sorted(entry.pixels.tobytes() for entry in shard.pictures[15:])
    read = [np.concatenate([p.image, p.ids[..., None]], axis=-1) for p in (files.read() for files in stills)]
    assert packed == sorted(pixels.tobytes() for pixels in read)


def test_shards_are_within_their_size_and_videos_are_whole(videos: list[Files], stills: Files, tmp_path: Path) -> None:
    most = 18_000
    paths = pack(videos, stills, tmp_path, most_bytes=most)
    assert len(paths) > 1
    assert all(path.stat().st_size <= most for path in paths)
    shards = [read_shard(path) for path in paths]
    assert [length for shard in shards for length in shard.videos] == [4, 6, 5]
    assert sum(len(shard.pictures) - sum(shard.videos) for shard in shards) == 3
    assert len({shard.pixels for shard in shards}) == 1


def test_a_video_larger_than_a_shard_is_refused_by_name(videos: list[Files], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{tmp_path / 'a'} has .* more than a shard of 100"):
        pack(videos, (), tmp_path, most_bytes=100)


def test_objects_are_described_by_what_their_pixels_are(videos: list[Files], tmp_path: Path) -> None:
    (path,) = pack(videos[:1], (), tmp_path, most_bytes=2**20)
    for entry in read_shard(path).pictures:
        (found,) = entry.objects
        rows, columns = np.nonzero(entry.pixels[..., 3] == 1)
        assert found.id == 1
        assert found.share == len(rows) / (80 * 120)
        assert found.centre == pytest.approx((columns.mean(), rows.mean()))
        assert found.extent == 40
        assert (entry.pixels[found.points[:, 1], found.points[:, 0], 3] == 1).all()
        assert len(np.unique(found.points, axis=0)) == 16


@pytest.mark.parametrize("content", [b"", b"no archive"], ids=["empty", "text"])
def test_a_file_that_is_no_shard_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shard-1-of-1.zip").write_bytes(content)
    with pytest.raises(DataError, match=f"{tmp_path}/shard-1-of-1.zip is not a shard"):
        read_shard(tmp_path / "shard-1-of-1.zip")


def test_a_broken_picture_is_refused_by_name(videos: list[Files], tmp_path: Path) -> None:
    videos[0][1].mask.write_bytes(videos[0][1].mask.read_bytes()[:60])
    (path,) = pack(videos, (), tmp_path, most_bytes=2**20)
    with pytest.raises(DataError, match=r"shard-1-of-1.zip/00001m.png is truncated"):
        read_shard(path)
