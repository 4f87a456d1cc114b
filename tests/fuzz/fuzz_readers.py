"""Everything that reads what others made, each with files to begin with: shared by the fuzzer and the suite.

A reader may succeed, or raise an error of :mod:`mrnet_cli.errors`; nothing else, and no warning.
"""

from __future__ import annotations

import io
import json
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from mrnet_cli.data.davis import read_split
from mrnet_cli.data.first_masks import read_first
from mrnet_cli.data.frames import check_frames, read_frame
from mrnet_cli.data.mask_trees import below, list_masks, open_tree
from mrnet_cli.data.masks import read_checked_mask, write_index_mask
from mrnet_cli.data.rankings import read_rankings
from mrnet_cli.data.video_meta import read_meta
from mrnet_cli.data.videos import VideoWriter, open_video, read_video
from mrnet_cli.errors import MrnetError

Seeds = Callable[[], list[bytes]]

IDS = np.array([[0, 1, 2], [1, 255, 0]], np.uint8).repeat(4, axis=0).repeat(5, axis=1)
OBJECTS = "sequence,object,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay\nbear,1,0.5,0.5,0.1,0.5,0.5,0.1\n"
FRAMES = "sequence,object,frame,J,F\nbear,1,00001,0.5,0.5\n"
SCORES = {
    "protocol": {"name": "davis2017", "title": "DAVIS-2017", "first_last": "drop"},
    "boundary_tolerances": [0.008],
    "sequences": ["bear"],
    "figures": {"J&F-Mean": 0.5, "J-Mean": 0.5, "F-Mean": 0.5},
    **{"protocol_line": "rules", "split": "val", "frames": 1, "predictions": "mine"},
    "predict": {"seconds_per_frame": 0.1, "settings": {"config": {"k": 4, "n": 5}}},
}
SETTINGS = {"weights": "w", "config": {"variant": "mask"}}


@dataclass(frozen=True)
class Reader:
    """What reads a file.

    Attributes:
        file: where it lies, within a folder of its own.
        read: takes the folder.
        seeds: contents of files that it can read.
    """

    file: str
    read: Callable[[Path], object]
    seeds: Seeds


def check(reader: Reader, content: bytes) -> bool:
    """Whether a reader accepts a file of a content.

    Raises:
        Exception: whatever it raises that is none of our errors, and its warnings.
    """
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("error")
        # as the command line has it
        warnings.filterwarnings("ignore", module=r"PIL\.")
        folder = Path(place)
        (folder / reader.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / reader.file).write_bytes(content)
        try:
            reader.read(folder)
        except MrnetError as error:
            if not str(error).strip():
                raise ValueError("an error that says nothing") from error
            return False
        return True


def picture(mode: str, format: str, **options: object) -> bytes:
    content = io.BytesIO()
    Image.fromarray(IDS).convert(mode).save(content, format, **options)
    return content.getvalue()


def masks() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mask.png"
        write_index_mask(path, IDS)
        return [path.read_bytes(), picture("L", "PNG"), picture("1", "PNG"), picture("P", "PNG", transparency=b"\0a")]


def frames() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    jpegs = [picture("RGB", "JPEG", exif=exif), picture("L", "JPEG", progressive=True), picture("CMYK", "JPEG")]
    return [*jpegs, picture("RGBA", "PNG"), picture("RGB", "WEBP"), picture("RGB", "BMP"), *masks()]


def polygons() -> list[bytes]:
    shape = {"label": "a", "points": [[1, 1], [8, 1], [8, 8]], "group_id": None, "shape_type": "polygon"}
    part = {"category_id": 1, "segmentation": [[1, 1, 8, 1, 8, 8]]}
    coco = {"images": [{"height": 9, "width": 9}], "annotations": [part], "categories": [{"id": 1, "name": "a"}]}
    return [json.dumps(one).encode() for one in ({"imageHeight": 9, "imageWidth": 9, "shapes": [shape]}, coco)]


def zips() -> list[bytes]:
    contents = []
    for packing in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", packing) as archive:
            archive.writestr("all/bear/00000.png", masks()[0])
            archive.writestr("all/bear/00001.png", masks()[1])
        contents.append(content.getvalue())
    return contents


def read_zip(folder: Path) -> None:
    masks = list_masks(below(open_tree(folder / "mine.zip", ["bear"]), "bear"))
    for file in masks.frames.values():
        read_checked_mask(file)


def read_scores(folder: Path) -> None:
    """Reads a run of `mrnet evaluate`, and makes the tables of it."""
    from mrnet_cli.reports.methods import measured_methods
    from mrnet_cli.reports.reading import read_runs
    from mrnet_cli.reports.report import _tables
    from mrnet_cli.reports.tables import latex, markdown

    for name, text in (("evaluate.json", json.dumps(SCORES)), ("objects.csv", OBJECTS), ("frames.csv", FRAMES)):
        if not (folder / name).exists():
            (folder / name).write_text(text)
    runs = read_runs([("mine", folder)])
    methods, left_out = measured_methods(runs, online=())
    for table in _tables(runs, methods, left_out, k=4, n=5):
        assert markdown(table)
        assert latex(table)


def read_run(folder: Path) -> None:
    from mrnet_cli.reports.reading import read_runs

    read_runs([(None, folder)])


def resume(folder: Path) -> None:
    from mrnet_cli.inference.record import Record

    Record(folder, SETTINGS).resume()


def predictions() -> list[bytes]:
    finished = {"bear": {"frames": 2, "objects": 1, "seconds": 0.5}}
    return [json.dumps({"settings": SETTINGS, "finished": finished}).encode()]


@cache
def weights() -> list[bytes]:
    from mrnet_cli.models.config import ModelConfig
    from mrnet_cli.models.mrnet import MRNet
    from mrnet_cli.models.weights import save_weights

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.safetensors"
        save_weights(path, MRNet(ModelConfig(backbone="test_resnet", decoder_widths=(1, 1, 1, 1))))
        whole = path.read_bytes()
    # a file of a single tensor is short enough to be changed where it matters
    header = {"__metadata__": {"mrnet": "{}"}, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    text = json.dumps(header).encode()
    return [struct.pack("<Q", len(text)) + text + bytes(4), whole]


def read_weights(folder: Path) -> None:
    from mrnet_cli.models.weights import load_weights

    load_weights(folder / "w.safetensors")


@cache
def videos() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with VideoWriter(path) as video:
            for number in range(3):
                video.write(np.full((16, 16, 3), 60 * number, np.uint8), Fraction(number, 25))
        return [path.read_bytes()]


def watch(folder: Path) -> None:
    open_video(folder / "clip.mp4")
    for _ in islice(read_video(folder / "clip.mp4"), 20):
        pass


def frame(folder: Path) -> None:
    path = folder / "frame.jpg"
    with suppress(MrnetError):
        check_frames([path], (8, 15))
    read_frame(path)


READERS = {
    "mask": Reader("mask.png", lambda folder: read_checked_mask(folder / "mask.png"), masks),
    "first": Reader("first.png", lambda folder: read_first(folder / "first.png"), lambda: frames()[3:4] + masks()),
    "frame": Reader("frame.jpg", frame, frames),
    "polygons": Reader("first.json", lambda folder: read_first(folder / "first.json"), polygons),
    "split": Reader(
        "ImageSets/2016/val.txt",
        lambda folder: read_split(folder, year=2016, split="val"),
        lambda: [b"bear\ncamel\n", b"/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png\n"],
    ),
    "zip": Reader("mine.zip", read_zip, zips),
    "rankings": Reader(
        "ranking.csv",
        lambda folder: read_rankings(folder / "ranking.csv"),
        lambda: [b"sequence,frame,chosen,object\nbear,00001,00000,\n"],
    ),
    "objects": Reader("objects.csv", read_scores, lambda: [OBJECTS.encode()]),
    "frames": Reader("frames.csv", read_scores, lambda: [FRAMES.encode()]),
    "scores": Reader("evaluate.json", read_scores, lambda: [json.dumps(SCORES).encode()]),
    "predictions": Reader("predict.json", resume, predictions),
    "speed": Reader(
        "speed.json",
        read_run,
        lambda: [
            b'{"figures": [{"model_mean": 1, "objects": 1, "method": "a", "size": 1, "width": 1,'
            b' "dtype": "d", "cpu": "c"}], "environment": {"cpu": "c"}}'
        ],
    ),
    "ablation": Reader(
        "variants.csv",
        read_run,
        lambda: [b"variant,seed,J,F,J&F,low,high,seconds_per_frame,parameters,source\nnone,0,1,1,1,,,1,1,here\n"],
    ),
    "meta": Reader(
        "meta.json",
        lambda folder: read_meta(folder / "meta.json"),
        lambda: [b'{"videos": {"bear": {"objects": {"1": {"category": "bear", "frames": ["00000"]}}}}}'],
    ),
    "weights": Reader("w.safetensors", read_weights, weights),
    "video": Reader("clip.mp4", watch, videos),
}
