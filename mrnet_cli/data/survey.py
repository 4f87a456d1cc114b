"""Looks through a data set: how much there is of what, and everything that is wrong with it.

Shape letters: H W pixels.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from mrnet_cli.data.davis import Year
from mrnet_cli.data.frames import check_frames, lacking, listed, picture_size, unlike
from mrnet_cli.data.given_masks import values_of
from mrnet_cli.data.layouts import Layout, Place
from mrnet_cli.data.mask_trees import list_masks
from mrnet_cli.data.masks import VOID, read_checked_mask
from mrnet_cli.data.names import natural
from mrnet_cli.data.video_meta import VideoMeta, read_meta
from mrnet_cli.data.zips import MaskFile
from mrnet_cli.errors import DataError


@dataclass(frozen=True)
class Count:
    """How much there is.

    Attributes:
        sequences: how many.
        frames: pictures.
        masks: files.
        objects: in all sequences together.
        late: of them, those that the first frame does not show.
        void: sequences with void (255) beside ids.
        white: sequences whose masks hold nothing but 0 and 255.
        sizes: sequences by size, such as `854x480`.
    """

    sequences: int
    frames: int
    masks: int
    objects: int
    late: int
    void: int
    white: int
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Survey:
    """What there is, as the layout divides it, and what is wrong."""

    counts: Mapping[str, Count]
    problems: tuple[str, ...]


@dataclass
class _Seen:
    """A sequence: names of frames, the values that each mask shows, and what is wrong."""

    place: Place
    frames: list[str] = field(default_factory=list)
    values: dict[str, set[int]] = field(default_factory=dict)
    masks: int = 0
    size: tuple[int, ...] | None = None
    by_object: bool = False
    damaged: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def shown(self) -> set[int]:
        """All values but 0."""
        return set().union(*self.values.values())

    @property
    def white(self) -> bool:
        """Whether the masks hold nothing but 0 and 255."""
        return self.shown == {VOID} and not self.by_object

    @property
    def ids(self) -> set[int]:
        """Of the objects."""
        return {1} if self.white else self.shown - {VOID}

    @property
    def first(self) -> set[int]:
        """Ids in the first frame."""
        shown = self.values.get(next(iter(self.frames or self.values), ""), set())
        return {1} if self.white and shown else shown - {VOID}


def survey(layout: Layout, *, on_sequence: Callable[[str], None] = lambda name: None) -> Survey:
    """Reads every mask, and of every picture what tells its size and whether it is whole.

    Args:
        layout: of the folder.
        on_sequence: called with the name of each sequence that was looked through.

    Raises:
        DataError: `meta.json` cannot be read.
    """
    videos = None if layout.meta is None else read_meta(layout.meta)
    problems: list[str] = []
    counts: dict[str, Count] = {}
    for name, places in layout.places.items():
        seen: list[_Seen] = []
        for place in places:
            seen.append(_look(place))
            seen[-1].problems += _unfit(seen[-1], layout, videos)
            on_sequence(place.name)
        problems += [problem for one in seen for problem in one.problems]
        counts[name] = _count(seen)
    if layout.kind == "masks" and not problems and not any(count.objects for count in counts.values()):
        problems.append(f"{layout.root} shows no object in any mask: mark each with an id from 1 to 254")
    # a file in the place of the folder of all sequences is wrong once
    return Survey(counts, tuple(dict.fromkeys(problems + _absent(layout, videos))))


def _look(place: Place) -> _Seen:
    """What holds in any layout: files that can be read, of one size, frames without gaps."""
    seen = _Seen(place)
    frames, seen.problems = ((), []) if place.images is None else listed(place.images)
    seen.frames = [path.stem for path in frames]
    if place.masks is not None:
        _look_at_masks(seen, place.masks)
    if frames and place.images is not None:
        there = set(seen.frames)
        masked = [name for name in seen.values if name not in there]
        gaps = [name for name in _gaps(seen.frames) if name not in seen.values]
        seen.problems += lacking(place.images, masked, "have masks")
        seen.problems += lacking(place.images, gaps, "the numbers of the others leave out")
        like = "the first mask" if seen.size else "the first frame"
        seen.size = seen.size or next((size for path in frames if (size := picture_size(path))), None)
        seen.problems += check_frames(frames, seen.size or (0, 0), like=like)
    if place.masks is not None:
        gaps = [name for name in _gaps([*seen.values]) if not frames or name in seen.frames]
        # where only some frames have masks, as in YouTube-VOS, none of the others is missing
        if 10 * len(gaps) <= len(seen.values):
            seen.problems += lacking(place.masks, gaps, "the numbers of the others leave out")
    return seen


def _look_at_masks(seen: _Seen, folder: Path) -> None:
    try:
        found = list_masks(folder)
    except DataError as error:
        seen.problems += error.problems
        return
    seen.by_object = bool(found.objects)
    if not found.frames and not found.objects:
        seen.problems.append(f"{folder} {'holds no PNG masks' if folder.is_dir() else 'is missing'}: add them")
    for name, file in found.frames.items():
        seen.values[name] = _values(seen, file)
    shown = {name: set[int]() for name in sorted(set().union(*found.objects.values()), key=natural)}
    for number, files in found.objects.items():
        for name, file in files.items():
            if _values(seen, file):
                shown[name].add(number)
    seen.values |= shown


def _values(seen: _Seen, file: MaskFile) -> set[int]:
    seen.masks += 1
    try:
        mask = read_checked_mask(file)
    except DataError as error:
        seen.problems += error.problems
        seen.damaged = True
        return set()
    seen.size = seen.size or mask.shape
    seen.problems += unlike(file, mask.shape, "the first mask", seen.size)
    return values_of(mask)


def _unfit(seen: _Seen, layout: Layout, videos: Mapping[str, VideoMeta] | None) -> list[str]:
    """What the layout's own rules forbid."""
    # with damaged masks not all of the objects are known
    if not seen.values or seen.damaged:
        return []
    if layout.kind == "davis":
        years = {split.year for split in layout.splits if seen.place.name in split.sequences}
        return _unfit_for_davis(seen, years)
    if layout.kind != "trees":
        return []
    place = seen.place.masks
    if seen.by_object:
        return [f"{place} has a folder for each object: give masks that show them all, by their ids"]
    problems = [] if seen.ids else [f"{place} shows no object: mark each with an id from 1 to 254"]
    if seen.white:
        problems.append(f"{place} holds 0 and 255 only, and 255 means void: write 1 for the object")
    video = (videos or {}).get(seen.place.name)
    if video is None or seen.place.images is None:
        return problems
    return problems + video.unmet(seen.place.images, seen.frames, ids=seen.ids)


def _unfit_for_davis(seen: _Seen, years: Collection[Year]) -> list[str]:
    place = seen.place.masks
    first = next(iter(seen.frames or seen.values))
    if first not in seen.values:
        return [f"{place}/{first}.png is missing: the first frame needs a mask"]
    if not seen.first:
        return [f"{place}/{first}.png holds no object: the first mask must name what to segment"]
    if 2017 not in years:
        return []
    if seen.white:
        remedy = "write 1 for the object, or name the sequence in ImageSets/2016"
        return [] if 2016 in years else [f"{place} holds 0 and 255 only, which 2017 reads as void: {remedy}"]
    if seen.first != set(range(1, len(seen.first) + 1)):
        shown = ", ".join(map(str, sorted(seen.first)))
        return [f"{place}/{first}.png shows ids {shown}, and 2017 counts to the largest: number them from 1 on"]
    return []


def _absent(layout: Layout, videos: Mapping[str, VideoMeta] | None) -> list[str]:
    """Sequences that are named and not there."""
    names = {place.name for places in layout.places.values() for place in places}
    problems = [
        f"{layout.root}/ImageSets names {name} in {split.name} of {split.year}, which is nowhere: add it"
        for split in layout.splits
        for name in split.sequences
        if name not in names
    ]
    if layout.kind == "davis" and not layout.splits:
        problems.append(f"{layout.root}/ImageSets holds no split of 2016 or 2017: add 2017/val.txt with a name a line")
    missing = [name for name in videos or () if name not in names]
    return problems + [f"{layout.meta} names {name}, which is not there: add it" for name in missing]


def _gaps(stems: list[str]) -> list[str]:
    """Numbers that are left out between others, as the step from one to the next mostly is.

    >>> _gaps(["00000", "00005", "00010", "00020"])
    ['00015']
    """
    matches = [re.fullmatch(r"(.*?)(\d+)", stem) for stem in stems]
    parts = [(match[1], match[2]) for match in matches if match]
    if len(parts) < len(stems) or len({prefix for prefix, _ in parts}) != 1:
        return []
    pairs = list(pairwise(int(digits) for _, digits in parts))
    step, _ = Counter(b - a for a, b in pairs).most_common(1)[0] if pairs else (0, 0)
    # names that leave out more than they count, such as times, are not numbered at all
    if step < 1 or sum((b - a) // step - 1 for a, b in pairs) > len(stems):
        return []
    prefix, digits = parts[0]
    left_out = [number for a, b in pairs if (b - a) % step == 0 for number in range(a + step, b, step)]
    return [f"{prefix}{number:0{len(digits)}d}" for number in left_out]


def _count(seen: Iterable[_Seen]) -> Count:
    seen = list(seen)
    sizes = Counter(f"{one.size[1]}x{one.size[0]}" for one in seen if one.size)
    return Count(
        sequences=len(seen),
        frames=sum(len(one.frames) for one in seen),
        masks=sum(one.masks for one in seen),
        objects=sum(len(one.ids) for one in seen),
        late=sum(len(one.ids - one.first) for one in seen),
        void=sum(VOID in one.shown and not one.white for one in seen),
        white=sum(one.white for one in seen),
        sizes=dict(sizes.most_common()),
    )
