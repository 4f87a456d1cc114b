"""Video files: times, rotation, odd sizes, and files that are not whole."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from mrnet_cli.data.videos import RgbImage, VideoWriter, open_video, read_video
from mrnet_cli.errors import DataError, OutputError

# unevenly, as a phone's recording is
TIMES = [Fraction(t * t + 3 * t, 30) for t in range(12)]


@pytest.fixture
def image() -> RgbImage:
    """63x101, red in the upper left corner."""
    pixels = np.full((63, 101, 3), 40, np.uint8)
    pixels[:24, :32] = (220, 30, 30)
    return pixels


@pytest.fixture
def path(tmp_path: Path, image: RgbImage) -> Path:
    """Twelve frames, each a little brighter than the one before."""
    with VideoWriter(tmp_path / "clip.mp4") as video:
        for t, time in enumerate(TIMES):
            video.write(np.minimum(image, 235) + np.uint8(t), time)
    return tmp_path / "clip.mp4"


def is_red(pixel: RgbImage) -> bool:
    return bool(pixel[0] > 150 and pixel[1] < 100)


def test_frames_come_back_in_order_at_the_times_they_were_given(path: Path) -> None:
    video, frames = open_video(path), list(read_video(path))
    # of odd sides one pixel is added, which H.264 needs
    assert (video.size, video.frames) == ((64, 102), 12)
    assert [float(frame.time) for frame in frames] == pytest.approx(list(map(float, TIMES)), abs=1e-4)
    brightness = [float(frame.image[40:, 40:].mean()) for frame in frames]
    assert brightness == pytest.approx(range(40, 52), abs=1.1)
    assert is_red(frames[0].image[5, 5])
    assert not is_red(frames[0].image[5, -5])


@pytest.mark.parametrize(("frames", "seconds"), [(8, 0.8), (1, 0.04)])
def test_the_last_frame_is_shown_as_long_as_the_one_before(
    tmp_path: Path, image: RgbImage, frames: int, seconds: float
) -> None:
    with VideoWriter(tmp_path / "clip.mp4") as video:
        for t in range(frames):
            video.write(image + np.uint8(t), Fraction(t, 10))
    with av.open(tmp_path / "clip.mp4") as container:
        assert container.duration == pytest.approx(seconds * av.time_base, abs=1e-3 * av.time_base)
    assert [float(one.time) for one in read_video(tmp_path / "clip.mp4")] == pytest.approx(np.arange(frames) / 10)


def test_colours_are_neither_darkened_nor_shifted(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:96, :128]
    colourful = np.stack([rows * 2 + 20, columns + 60, 230 - rows - columns // 2], axis=2).astype(np.uint8)
    with VideoWriter(tmp_path / "clip.mp4") as video:
        video.write(colourful, Fraction(0))
    (shown,) = read_video(tmp_path / "clip.mp4")
    assert shown.image.mean(axis=(0, 1)) == pytest.approx(colourful.mean(axis=(0, 1)), abs=0.5)


def test_browsers_can_play_what_is_written(path: Path) -> None:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
    content = path.read_bytes()
    # the index first, so that a browser need not read to the end to begin
    assert 0 < content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize(
    ("matrix", "size", "corner"),
    [
        pytest.param((0, 1, -1, 0), (102, 64), (5, -5), id="a quarter turn to the right"),
        pytest.param((0, -1, 1, 0), (102, 64), (-5, 5), id="a quarter turn to the left"),
        pytest.param((-1, 0, 0, -1), (64, 102), (-5, -5), id="upside down"),
        pytest.param((-1, 0, 0, 1), (64, 102), (5, -5), id="mirrored left to right"),
        pytest.param((1, 0, 0, -1), (64, 102), (-5, 5), id="mirrored top to bottom"),
        pytest.param((0, 1, 1, 0), (102, 64), (5, 5), id="rows as columns"),
        pytest.param((0, -1, -1, 0), (102, 64), (-5, -5), id="rows as columns, upside down"),
    ],
)
def test_the_rotation_and_the_mirroring_that_a_file_notes_are_applied(
    path: Path, matrix: tuple[int, ...], size: tuple[int, int], corner: tuple[int, int]
) -> None:
    content = bytearray(path.read_bytes())
    # ISO 14496-12, 8.3.2: the matrix of a track lies 44 bytes after its header's name; 16.16 fixed point
    at = content.index(b"tkhd") + 44
    a, b, c, d = (65536 * value for value in matrix)
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    assert open_video(path).size == size
    assert is_red(next(read_video(path)).image[corner])


@pytest.mark.parametrize("lost", [1, 20, 80, 300, 700])
def test_a_video_that_was_cut_off_is_refused_and_not_taken_for_a_shorter_one(path: Path, lost: int) -> None:
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(
        DataError, match=r"clip\.mp4 ((is damaged|breaks off) after frame \d+|holds no frame that can be decoded): copy"
    ):
        list(read_video(path))


def test_what_is_no_video_is_told_by_name(tmp_path: Path) -> None:
    for name, content in {"text.mp4": b"not a video at all", "empty.mkv": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name} is not a video"):
            open_video(tmp_path / name)
    with pytest.raises(DataError, match="missing.mp4 is not a file"):
        open_video(tmp_path / "missing.mp4")


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(DataError, match=r"sound\.wav holds no video stream"):
        open_video(path)


@pytest.mark.parametrize("name", ["covered.mkv", "covered.mp4"])
def test_a_cover_before_the_video_is_not_taken_for_it(plain: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with av.open(str(plain)) as given, av.open(str(path), "w") as made:
        cover = made.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        stream = made.add_stream_from_template(given.streams.video[0])
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        made.mux([*cover.encode(picture), *cover.encode()])
        for packet in given.demux(given.streams.video[0]):
            if packet.size:
                packet.stream = stream
                made.mux(packet)
    assert (open_video(path).size, len(list(read_video(path)))) == ((64, 96), 12)


def test_sound_with_a_cover_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        cover, sound = container.add_stream("mjpeg", rate=1), container.add_stream("aac", rate=8000)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux([*cover.encode(picture), *cover.encode(), *sound.encode(frame), *sound.encode()])
    with pytest.raises(DataError, match=r"song\.m4a holds no video stream"):
        open_video(path)


def test_what_ffmpeg_cannot_decode_at_all_is_not_called_damaged_on_the_way(tmp_path: Path, image: RgbImage) -> None:
    pictures = [Image.fromarray(np.roll(image, 9 * t, axis=1)) for t in range(3)]
    pictures[0].save(tmp_path / "moving.webp", save_all=True, append_images=pictures[1:])
    with pytest.raises(DataError, match=r"moving\.webp holds no frame that can be decoded: copy or convert it again"):
        open_video(tmp_path / "moving.webp")


def test_a_video_that_could_not_be_finished_leaves_nothing(tmp_path: Path, image: RgbImage) -> None:
    def stop() -> None:
        with VideoWriter(tmp_path / "clip.mp4") as video:
            video.write(image, Fraction(0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="cannot be written"):
        VideoWriter(tmp_path / "none" / "clip.mp4")


def test_two_frames_of_one_time_are_both_kept(tmp_path: Path, image: RgbImage) -> None:
    with VideoWriter(tmp_path / "clip.mp4") as video:
        for time in (Fraction(0), Fraction(0), Fraction(1, 25)):
            video.write(image, time)
    assert len(list(read_video(tmp_path / "clip.mp4"))) == 3


def test_a_playlist_named_like_a_video_leads_to_no_other_machine(tmp_path: Path) -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n"
        (tmp_path / "clip.m3u8").write_text(playlist)
        reading = threading.Thread(target=lambda: pytest.raises(DataError, open_video, tmp_path / "clip.m3u8"))
        reading.start()
        with contextlib.suppress(TimeoutError):
            asked.append(server.accept()[0].recv(99))
        reading.join()
    assert asked == []


def test_a_video_of_too_large_frames_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with VideoWriter(tmp_path / "clip.mp4") as video:
        video.write(np.zeros((40, 60, 3), np.uint8), Fraction(0))
    monkeypatch.setenv("MRNET_MAX_MEGAPIXELS", "0.002")
    with pytest.raises(DataError, match=r"clip.mp4 is 60x40, more than 0.002 megapixels"):
        open_video(tmp_path / "clip.mp4")


def remux(source: Path, target: Path, *, spread: int = 1, offset: int = 0) -> Path:
    """The same packets in another container, further apart and so many seconds later; nothing is encoded anew."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.pts is not None and packet.dts is not None:
                shift = round(offset / packet.time_base)
                packet.pts, packet.dts = spread * packet.pts + shift, spread * packet.dts + shift
                packet.stream = stream
                made.mux(packet)
    return target


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Twelve frames of MPEG-4 without reordering, 25 a second."""
    with av.open(str(tmp_path / "plain.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for t in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 20 * t, np.uint8), format="rgb24")
            container.mux([*stream.encode(frame), *(stream.encode() if t == 11 else [])])
    return tmp_path / "plain.mp4"


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_video_that_begins_late_is_whole_and_its_overlay_begins_at_once(
    plain: Path, tmp_path: Path, name: str
) -> None:
    late = remux(plain, tmp_path / name, offset=5)
    frames = list(read_video(late))
    assert len(frames) == 12
    with VideoWriter(tmp_path / "overlay.mp4") as video:
        for frame in frames:
            video.write(frame.image, frame.time)
    times = [float(frame.time) for frame in read_video(tmp_path / "overlay.mp4")]
    assert times == pytest.approx([t / 25 for t in range(12)], abs=1e-3)


def test_frames_that_a_container_counts_and_does_not_hold_make_it_no_shorter(plain: Path, tmp_path: Path) -> None:
    # AVI fills gaps of time with frames of nothing, and counts them
    gaps = remux(plain, tmp_path / "gaps.avi", spread=4)
    with av.open(str(gaps)) as container:
        assert container.streams.video[0].frames > 12
    assert len(list(read_video(gaps))) == 12


@pytest.mark.parametrize("seconds", [0.2, 3.0])
def test_a_last_frame_that_is_held_makes_a_video_no_longer_than_it_is(
    tmp_path: Path, image: RgbImage, seconds: float
) -> None:
    pictures = [Image.fromarray(np.minimum(image, 235) + np.uint8(4 * t)) for t in range(6)]
    held = [40] * 5 + [round(1000 * seconds)]
    pictures[0].save(tmp_path / "held.gif", save_all=True, append_images=pictures[1:], duration=held)
    assert len(list(read_video(tmp_path / "held.gif"))) == 6


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.avi"])
@pytest.mark.parametrize("lost", [10, 100, 300])
def test_a_video_shorter_than_its_container_says_is_refused_before_a_frame_is_read(
    tmp_path: Path, name: str, lost: int
) -> None:
    whole = tmp_path / name
    with av.open(str(whole), "w") as container:
        stream = container.add_stream("libvpx-vp9" if name == "a.webm" else "mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for t in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 20 * t, np.uint8), format="rgb24")
            container.mux([*stream.encode(frame), *(stream.encode() if t == 11 else [])])
    assert open_video(whole).size == (64, 96)
    content = whole.read_bytes()
    whole.write_bytes(content[:-lost])
    with pytest.raises(
        DataError, match=rf"{name} was cut off, it has {len(content) - lost} of at least \d+ bytes: copy it again"
    ):
        open_video(whole)


def test_a_recording_that_never_came_to_tell_its_length_is_read(plain: Path, tmp_path: Path) -> None:
    content = BytesIO()
    # as into a pipe, where a writer cannot go back to tell
    content.seekable = lambda: False  # type: ignore[method-assign]
    with av.open(str(plain)) as given, av.open(content, "w", format="matroska") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.size:
                packet.stream = stream
                made.mux(packet)
    (tmp_path / "a.mkv").write_bytes(content.getvalue())
    assert len(list(read_video(tmp_path / "a.mkv"))) == 12


def test_a_matroska_whose_rest_was_never_filled_in_is_refused_though_it_counts_no_frames(
    plain: Path, tmp_path: Path
) -> None:
    whole = remux(plain, tmp_path / "a.mkv")
    with av.open(str(whole)) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.size]
        end = packets[8].pos or 0
    content = whole.read_bytes()
    whole.write_bytes(content[:end] + bytes(len(content) - end))
    with pytest.raises(DataError, match="breaks off after frame 8: copy it again"):
        list(read_video(whole))


def test_the_matrix_of_the_colours_is_told(path: Path) -> None:
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        # BT.601, in the limited range
        assert (context.colorspace, context.color_range) == (6, 1)
