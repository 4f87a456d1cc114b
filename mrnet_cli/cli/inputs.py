"""What a command segments: the options that say so, and the videos that they name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast

import click

from mrnet_cli.cli.options import as_one, comma_separated, path
from mrnet_cli.data.boxes import Box
from mrnet_cli.data.davis import RESOLUTION, Year
from mrnet_cli.errors import OutputError
from mrnet_cli.inference.datasets import tree_jobs
from mrnet_cli.inference.jobs import Job, davis_jobs, folder_job, video_job
from mrnet_cli.inference.pictures import place_of

_OTHER = "choose another --output"


class BoxType(click.ParamType):  # type: ignore[type-arg]  # click takes arguments from 8.4 on only
    """`X,Y,WIDTH,HEIGHT` in pixels."""

    name = "x,y,width,height"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Box:
        """The box; fails where these are not four whole numbers."""
        try:
            return Box(*map(int, value.split(",")))
        except (TypeError, ValueError):
            self.fail(f"{value!r} is not four whole numbers", param, ctx)


@dataclass(frozen=True)
class Inputs:
    """What the options say, one field each."""

    davis: Path | None
    year: str
    split: str
    resolution: str
    sequences: str | None
    images: Path | None
    annotations: Path | None
    meta: Path | None
    frames: Path | None
    video: Path | None
    mask: Path | None
    boxes: tuple[Box, ...]

    @property
    def places(self) -> list[Path | None]:
        """Files and folders that hold what is segmented."""
        return [self.davis, self.images, self.annotations, self.frames, self.video]

    def check(self) -> None:
        """Refuses all but one of the root, the images, the frames and the video, with what goes with it.

        Raises:
            UsageError: something else is given.
        """
        if self.mask is not None and self.boxes:
            raise click.UsageError("give either --mask or --box")
        once = sum(place is not None for place in (self.davis, self.images, self.frames, self.video)) == 1
        drawn, annotated = self._first is not None, self.annotations is not None
        alone = self.davis is None and self.images is None
        if not once or drawn != alone or annotated != (self.images is not None):
            raise click.UsageError(
                "give either --davis, or --images and --annotations, or --mask or --box and one of --frames and --video"
            )
        if self.meta is not None and self.images is None:
            raise click.UsageError("--meta goes with --images and --annotations")

    def jobs(self) -> list[Job]:
        """The videos, where :meth:`check` had nothing to say.

        Raises:
            DataError: naming all that is wrong with them.
        """
        names = comma_separated(self.sequences)
        if self.davis is not None:
            year = cast(Year, int(self.year))
            return davis_jobs(self.davis, year=year, split=self.split, resolution=self.resolution, sequences=names)
        if self.images is not None and self.annotations is not None:
            return tree_jobs(self.images, self.annotations, meta=self.meta, sequences=names)
        first = cast("Path | tuple[Box, ...]", self._first)
        return [folder_job(self.frames, first) if self.frames is not None else video_job(cast(Path, self.video), first)]

    def check_apart(self, jobs: Sequence[Job], output: Path, *, pictures: Collection[str]) -> None:
        """Refuses to write what would take the place of what is given, or be taken for it.

        Args:
            jobs: the videos.
            output: that they are written below.
            pictures: kinds of pictures that are written besides.

        Raises:
            OutputError: something would.
        """
        if self.boxes and self.frames is not None and output.resolve() == self.frames.resolve():
            raise OutputError(
                f"{output} holds the frames, and a picture of what is in the boxes would be one: {_OTHER}"
            )
        for job in jobs:
            given = [path.parent for path in (*job.frames[:1], *([self.mask] if self.mask else []))]
            given += [] if job.video is None else [job.video.path]
            if self.annotations is not None:
                given += [self.annotations, self.annotations / job.name]
            if self.davis is not None:
                given.append(self.davis / "Annotations" / self.resolution / job.name)
            kept = {path.resolve() for path in given}
            for place in (output / job.name, *(place_of(kind, job, output) for kind in pictures)):
                if place.resolve() in kept:
                    raise OutputError(f"{place} is or holds what is given, and would be written over: {_OTHER}")

    @property
    def _first(self) -> Path | tuple[Box, ...] | None:
        return self.mask or self.boxes or None


INPUT_OPTIONS = [field.name for field in fields(Inputs)]

_OPTIONS = [
    click.option("--davis", type=path, help="DAVIS root: JPEGImages, Annotations, ImageSets."),
    click.option("--year", type=click.Choice(["2016", "2017"]), default="2017", show_default=True, help="Whose masks."),
    click.option("--split", default="val", show_default=True, help="Split file of --davis."),
    click.option(
        "--resolution", default=RESOLUTION, show_default=True, help="Folder below JPEGImages and Annotations."
    ),
    click.option("--sequences", help="Comma-separated names to segment in place of all."),
    click.option(
        "--images",
        type=path,
        help="In place of --davis, with --annotations: folder of SEQUENCE/FRAME.jpg, as in YouTube-VOS, LVOS and MOSE.",
    ),
    click.option(
        "--annotations",
        type=path,
        help="Folder of SEQUENCE/FRAME.png, of some frames or all. Of each object only the first mask is used.",
    ),
    click.option(
        "--meta",
        type=path,
        help="With --images: meta.json of YouTube-VOS or LVOS, for the objects and the frames whose masks are wanted.",
    ),
    click.option("--frames", type=path, help="In place of --davis: a folder of pictures, ordered by their names."),
    click.option("--video", type=path, help="In place of --davis: a video file; its masks count from 00000."),
    click.option(
        "--mask",
        type=path,
        help="With --frames or --video: the first frame's objects. PNG of ids, 0/255 or colours; labelme or COCO JSON.",
    ),
    click.option(
        "--box",
        "boxes",
        type=BoxType(),
        multiple=True,
        help="In place of --mask: around an object of the first frame, whose outline is found by colour; repeatable.",
    ),
]


# adds the options of Inputs to a command, which gets them as `inputs`
input_options = as_one("inputs", Inputs, _OPTIONS)
