"""`meta.json` of YouTube-VOS and LVOS: which videos and objects there are, and at which frames masks are wanted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mrnet_cli.data.files import cause
from mrnet_cli.data.frames import lacking
from mrnet_cli.data.limits import read_text
from mrnet_cli.data.records import parse_json
from mrnet_cli.errors import DataError


@dataclass(frozen=True)
class VideoMeta:
    """What the file says of a video.

    Attributes:
        objects: its ids.
        frames: names of the frames at which masks are wanted; none where the file does not list them, as in LVOS.
    """

    objects: frozenset[int]
    frames: frozenset[str] | None

    def unmet(self, folder: Path, frames: Collection[str], *, ids: Collection[int]) -> list[str]:
        """A line for what the file promises and is not there.

        Args:
            folder: of the frames.
            frames: their names.
            ids: that the masks show.
        """
        problems = lacking(folder, sorted((self.frames or frozenset()) - set(frames)), "meta.json lists")
        remedy = "add its mask, or take it out of meta.json"
        unshown = sorted(self.objects - set(ids))
        return problems + [f"{folder.name}: no mask shows object {i}, which meta.json names: {remedy}" for i in unshown]


def read_meta(path: Path) -> dict[str, VideoMeta]:
    """The videos of a file by name.

    Raises:
        DataError: it cannot be read, or holds something else.
    """
    try:
        videos = parse_json(read_text(path))["videos"]
        return {name: _video(video["objects"]) for name, video in videos.items()}
    except OSError as error:
        raise DataError([f"{path} cannot be read: {cause(error)}"]) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError([f"{path} is not the meta.json of YouTube-VOS or LVOS: videos, objects by id"]) from error


def _video(objects: dict[str, dict[str, list[str]]]) -> VideoMeta:
    listed = all("frames" in one for one in objects.values())
    frames = frozenset(str(name) for one in objects.values() for name in one["frames"]) if listed else None
    return VideoMeta(frozenset(map(int, objects)), frames)
