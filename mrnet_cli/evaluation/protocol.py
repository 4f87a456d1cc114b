"""The rules by which benchmarks score: which objects count, in which frames.

All take J and F as DAVIS defines them and average each over the frames of an object, then over objects. Where
neither mask shows the object both are 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from mrnet_cli.data.davis import Year

Objects = Literal["one", "first", "all"]
Counted = Literal["always", "after-first"]
FirstLast = Literal["keep", "drop"]


@dataclass(frozen=True)
class Protocol:
    """One benchmark's rules.

    Attributes:
        name: on the command line.
        title: in tables.
        objects: `one`: any non-zero value is the one object, 255 too. `first`: ids from 1 to the largest in the first
            annotation. `all`: every id that an annotation of the sequence shows. Of objects with folders of their own
            those count that the rule names. In the latter two 255 is void, which counts as background in an annotation
            and is refused in a prediction.
        counted: the frames in which an object counts: `always`, or only `after-first`, those after the first annotated
            frame that shows it, as its mask is given there.
        first_last: whether the first and last annotated frame of a sequence are scored.
        resize: predictions of another size are resized with nearest neighbour in place of being refused.
    """

    name: str
    title: str
    objects: Objects
    counted: Counted
    first_last: FirstLast
    resize: bool = False

    @property
    def year(self) -> Year | None:
        """Of DAVIS, where these are its rules."""
        years: dict[str, Year] = {DAVIS_2016.name: 2016, DAVIS_2017.name: 2017}
        return years.get(self.name)

    @property
    def unit(self) -> str:
        """What the flat mean is over."""
        return "sequence" if self.objects == "one" else "object"

    @property
    def frames(self) -> str:
        """Which frames are scored, in words for the protocol line.

        >>> DAVIS_2017.frames
        'the first and last of each are not'
        """
        if self.counted == "always":
            return "the first and last of each are not" if self.first_last == "drop" else "every annotated one"
        ends = "the last of each is not" if self.first_last == "drop" else "every annotated one"
        return f"{ends}; an object counts after the first that shows it"


DAVIS_2016 = Protocol("davis2016", "DAVIS-2016", "one", "always", "drop")
"""Perazzi et al., CVPR 2016, and its toolkit."""

DAVIS_2017 = Protocol("davis2017", "DAVIS-2017", "first", "always", "drop")
"""Pont-Tuset et al., arXiv 1704.00675, and its toolkit."""

YOUTUBE_VOS = Protocol("youtube-vos", "YouTube-VOS", "all", "after-first", "keep")
"""Xu et al., arXiv 1809.03327.

The code of its server is not public: these are the rules that the paper and the data imply. Every fifth frame is
annotated, and objects are given where they first appear. The benchmark's G averages J and F over the classes seen in
training and those unseen. It takes the classes in its `meta.json`, which is not read: here the mean is over all objects
alike, and :mod:`mrnet_cli.evaluation.groups` gives G where a file names the classes.
"""

LVOS = Protocol("lvos", "LVOS", "all", "after-first", "drop")
"""Hong et al., ICCV 2023, and its tool `lvos-evaluation`.

The tool drops the first and the last frame of each object's range, which it takes from `meta.json`. Here the range
begins with the first annotated frame that shows the object and ends with the sequence. Left out are its means over
seen and unseen videos and V, the deviation over time. The tool's decay takes all frames for one and is 0; here it is
that of DAVIS.
"""

MOSE = Protocol("mose", "MOSE", "all", "always", "drop")
"""Ding et al., ICCV 2023, by the scoring code published with MOSEv2; and SA-V, Ravi et al., arXiv 2408.00714.

MOSE: the objects of its `meta.json` are taken to be those that annotations show. MOSEv2's code adds 1 to intersection
and union, which is not done here. Left out are its F with a tolerance by the object's size, and its scores around
disappearances. SA-V: where each object has a folder, the ends are those of the object's own frames. Its evaluator
passes over frames until either mask shows the object; here they count as 1.
"""

# what scores objects that the first annotation does not show
SCORES_LATER = "--protocol youtube-vos, lvos or mose"
# what to do with masks of 0 and 255, as of DAVIS-2016
READS_BINARY = "0/255 masks need --year 2016"

PROTOCOLS = {one.name: one for one in (DAVIS_2016, DAVIS_2017, YOUTUBE_VOS, LVOS, MOSE)}


def of_year(year: Year) -> Protocol:
    """The DAVIS protocol of a year.

    >>> of_year(2016).title
    'DAVIS-2016'
    """
    return DAVIS_2016 if year == 2016 else DAVIS_2017


def chosen(year: Year | None, protocol: str | None) -> tuple[Year, Protocol]:
    """Whose split of DAVIS and whose rules are meant, where one of both or none may be told.

    Args:
        year: of DAVIS.
        protocol: a name in :data:`PROTOCOLS`.

    Raises:
        ValueError: there is no such year or protocol, or it is that of the other year.

    >>> year, protocol = chosen(None, "davis2016")
    >>> year, protocol.title
    (2016, 'DAVIS-2016')
    """
    if year is not None and year not in get_args(Year):
        raise ValueError(f"year {year!r} is not one of {', '.join(map(str, get_args(Year)))}")
    if protocol is None:
        return year or 2017, of_year(year or 2017)
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol {protocol!r} is not one of {', '.join(PROTOCOLS)}")
    rules = PROTOCOLS[protocol]
    if year and rules.year and year != rules.year:
        raise ValueError(f"year {year} and protocol {protocol} contradict each other: give one of them")
    return year or rules.year or 2017, rules
