"""Video files, read and written as streams of frames through PyAV: one frame is in memory at a time.

Shape letters: H W size of a frame as it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import cast

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mrnet_cli.data.files import reason, temporary_beside
from mrnet_cli.data.limits import check_pixels, most_pixels
from mrnet_cli.data.told_sizes import told_size
from mrnet_cli.errors import DataError, OutputError

RgbImage = NDArray[np.uint8]

# of H.264: a fifth of the time of the encoder's default
_PRESET = "veryfast"
# FFmpeg's quick way between RGB and what codecs store darkens pictures by one level and a half
_EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
# AVCOL_SPC_SMPTE170M, the matrix that it takes
_BT601 = 6
# where a file does not tell
_RATE = Fraction(25)
_NOTHING = "holds no frame that can be decoded"


@dataclass(frozen=True)
class Video:
    """What a video file says of itself, and what its first frame shows.

    Attributes:
        path: of the file.
        size: H W as shown, its rotation and mirroring applied.
        frames: about how many; 0 where the file does not tell.
    """

    path: Path
    size: tuple[int, int]
    frames: int


@dataclass(frozen=True)
class Shown:
    """A frame as it is shown.

    Attributes:
        image: H W 3, RGB.
        time: when, in seconds.
    """

    image: RgbImage
    time: Fraction


def open_video(path: Path) -> Video:
    """Looks at a file.

    Raises:
        DataError: it is missing, is no video, or its first frame cannot be decoded.
    """
    frames = read_video(path)
    with suppress(StopIteration):
        height, width = next(frames).image.shape[:2]
        frames.close()
        return Video(path, (height, width), _estimate(path))
    raise DataError([f"{path} {_NOTHING}: copy or convert it again"])


def read_video(path: Path) -> Generator[Shown, None, None]:
    """The frames of a file, its rotation and mirroring applied.

    Raises:
        DataError: the file is missing, is no video, changes its size on the way, or ends before it says it does.
    """
    with _open(path) as (container, stream):
        stream.thread_type = "AUTO"
        number, packets, cut, size = 0, 0, False, (0, 0)
        lasts, latest = _frame(stream), Fraction(0)
        try:
            for packet in container.demux(stream):
                if packet.size:
                    packets, cut = packets + 1, packet.is_corrupt
                for frame in packet.decode():
                    shown = _shown(frame, number, stream)
                    size = size if number else shown.image.shape[:2]
                    if shown.image.shape[:2] != size:
                        raise DataError([f"{path} changes its size at frame {number}: cut it there"])
                    yield shown
                    # the rate that a file tells need not be that of its frames, and the last may be held
                    lasts = max(_lasts(frame, stream), shown.time - latest if number else Fraction(0))
                    number, latest = number + 1, shown.time
        except av.FFmpegError as error:
            found = f"is damaged after frame {number}" if number else _NOTHING
            raise DataError([f"{path} {found}: copy or convert it again"]) from error
        # a file that was cut off reads to its end without a word, and what is left of its last frame is patched up
        lacking = _end(stream) - latest - lasts
        # AVI counts frames that it leaves out, and of those that are counted some may be cut out by a list of times
        counted = stream.frames > 0 and container.format.name != "avi"
        most = lasts * (Fraction(1, 2) if counted else Fraction(3, 2))
        if cut or (lacking > most and not (counted and packets >= stream.frames)):
            raise DataError([f"{path} breaks off after frame {packets - cut}: copy it again"])


class VideoWriter:
    """An H.264 video in an MP4 file that browsers play; the file is there when the context ends without an error.

    Frames keep the times between them; the first is shown at once. A side of an odd number of pixels is widened by one,
    as the format needs.

    Args:
        path: the file; its folder must exist.
        crf: how much is lost, from 0, nothing but colour in 2x2 pixels, to 51; at 18 the eye sees no loss.

    Raises:
        OutputError: it cannot be written.
    """

    # of times; fine enough for all rates in use, among them 30000/1001
    _TICKS = 90_000

    def __init__(self, path: Path, *, crf: int = 18) -> None:
        self._path, self._crf = path, crf
        self._temporary = temporary_beside(path)
        try:
            # PyAV opens the file with the first frame, and an error should not wait for that
            self._temporary.touch()
            options = {"movflags": "+faststart"}
            self._container = av.open(str(self._temporary), "w", format="mp4", options=options)
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {reason(error)}") from error
        self._stream: VideoStream | None = None
        self._latest, self._start = -1, cast("Fraction | None", None)
        self._lasts = round(self._TICKS / _RATE)

    def write(self, image: RgbImage, time: Fraction) -> None:
        """Appends a frame.

        Args:
            image: H W 3, RGB, of the first one's size.
            time: in seconds, after that of the frame before.

        Raises:
            OutputError: the file cannot be written on.
        """
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(_even(image)), format="rgb24")
        frame = frame.reformat(format="yuv420p", interpolation=_EXACT)
        stream = self._stream = self._stream or self._begin(frame.width, frame.height)
        # a file may show two frames at one time, which this format does not hold
        self._start = time if self._start is None else self._start
        ticks = max(round((time - self._start) * self._TICKS), self._latest + 1)
        if self._latest >= 0:
            self._lasts = ticks - self._latest
        self._latest = frame.pts = ticks
        frame.time_base = Fraction(1, self._TICKS)
        try:
            self._mux(stream, frame)
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {reason(error)}") from error

    def _mux(self, stream: VideoStream, frame: VideoFrame | None) -> None:
        for packet in stream.encode(frame):
            # counts for the last alone, which lasts as long as the one before
            packet.duration = self._lasts
            self._container.mux(packet)

    def _begin(self, width: int, height: int) -> VideoStream:
        options = {"crf": str(self._crf), "preset": _PRESET}
        stream = self._container.add_stream("libx264", rate=_RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, self._TICKS)
        # what reformat makes of RGB; untold, players take that of larger pictures for another
        stream.codec_context.colorspace, stream.codec_context.color_range = _BT601, ColorRange.MPEG
        return stream

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._stream is not None:
                self._mux(self._stream, None)
            self._container.close()
            if kind is None:
                self._temporary.replace(self._path)
        except OSError as fault:
            raise OutputError(f"{self._path} cannot be written: {reason(fault)}") from fault
        finally:
            self._temporary.unlink(missing_ok=True)


@contextmanager
def _open(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """A file and what it mainly shows, which need not be its first stream: a cover may come before."""
    if not path.is_file():
        raise DataError([f"{path} is not a file: give a video"])
    try:
        # a playlist that calls itself a video leads to no other machine
        container = av.open(
            f"file:{path.absolute()}", options={"protocol_whitelist": "file"}, metadata_errors="replace"
        )
    except av.FFmpegError as error:
        raise DataError([f"{path} is not a video, or was cut off: copy or convert it again"]) from error
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
            raise DataError([f"{path} holds no video stream"])
        # which PyAV's types do not tell
        if cast(object, stream.codec_context) is None:
            raise DataError([f"{path} holds video in a form that cannot be decoded: convert it"])
        size, told = path.stat().st_size, told_size(path)
        if size < told:
            raise DataError([f"{path} was cut off, it has {size} of at least {told} bytes: copy it again"])
        check_pixels(path, stream.width, stream.height)
        stream.codec_context.options = {"max_pixels": str(most_pixels())}
        yield container, stream


def _estimate(path: Path) -> int:
    with _open(path) as (container, stream):
        if stream.frames or container.duration is None or stream.average_rate is None:
            return stream.frames
        return round(container.duration / av.time_base * stream.average_rate)


def _end(stream: VideoStream) -> Fraction:
    """When a stream says that its last frame is over, in seconds; 0 where it does not."""
    if stream.duration is not None and stream.time_base is not None:
        # MP4 in fragments counts no frames, and its time from 0 on
        begin = 0 if "mp4" in stream.container.format.name and not stream.frames else stream.start_time or 0
        return (begin + stream.duration) * stream.time_base
    # Matroska's, from 0 on, as FFmpeg notes it
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    return int(match[1]) * 3600 + int(match[2]) * 60 + Fraction(match[3]) if match else Fraction(0)


def _frame(stream: VideoStream) -> Fraction:
    """How long a frame lasts, in seconds."""
    return 1 / (stream.average_rate or stream.guessed_rate or _RATE)


def _lasts(frame: VideoFrame, stream: VideoStream) -> Fraction:
    """How long a frame is shown, in seconds: as its packet tells, but no less than the rate of the file does."""
    told = frame.duration * frame.time_base if frame.duration and frame.time_base else Fraction(0)
    return max(_frame(stream), told)


def _shown(frame: VideoFrame, number: int, stream: VideoStream) -> Shown:
    pixels = cast(RgbImage, frame.reformat(format="rgb24", interpolation=_EXACT).to_ndarray())
    # quarter turns to the left, as phones note them, after the mirror
    image = np.rot90(pixels[::-1] if _mirrored(frame) else pixels, round(frame.rotation / 90) % 4)
    if frame.pts is None or frame.time_base is None:
        return Shown(image, number / (stream.average_rate or _RATE))
    return Shown(image, frame.pts * frame.time_base)


def _mirrored(frame: VideoFrame) -> bool:
    """Whether a frame is turned upside down as in a mirror before its rotation: any flip is that and a rotation."""
    # a buffer, which PyAV's types do not tell
    matrix = cast("bytes | None", frame.side_data.get("DISPLAYMATRIX"))
    if matrix is None:
        return False
    a, b, _, c, d = np.frombuffer(matrix, np.int32, 5).tolist()
    return bool(a * d < b * c)


def _even(image: RgbImage) -> RgbImage:
    height, width = image.shape[:2]
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
