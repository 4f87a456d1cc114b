"""What several tests share: the DAVIS data where it is, golden values, small trees of masks, pictures to train on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import settings
from numpy.typing import NDArray
from PIL import Image

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import IdMask, write_index_mask
from mrnet_cli.evaluation.region import Mask

if TYPE_CHECKING:
    from mrnet_cli.training.sources import PictureFiles

# the machine may be busy, which says nothing about the code
settings.register_profile("mrnet", deadline=None)
settings.load_profile("mrnet")

WriteTree = Callable[..., Path]
EdgeCase = tuple[Mask, Mask, float, float]

# as many tests run at once as there are cores; threads of theirs, and of the processes that they start, would only wait
os.environ["OMP_NUM_THREADS"] = "1"

# values of the official toolkit; its README tells how they were made
GOLDEN = Path(__file__).parent / "evaluation" / "golden"


@pytest.fixture(scope="session")
def davis_data() -> Path:
    """The folder of `DAVIS`, `DAVIS2017` and `predictions`: `MRNET_DATA`, or `../shared/data` beside the repository."""
    place = os.environ.get("MRNET_DATA")
    folder = Path(place) if place else Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not (folder / "DAVIS" / "ImageSets").is_dir():
        pytest.skip(f"no DAVIS data in {folder}: set MRNET_DATA to the folder that holds DAVIS")
    return folder


@pytest.fixture
def write_tree() -> WriteTree:
    """Writes `folder/sequence/00000.png` and so on, from a dict of the masks of each sequence."""

    def write(folder: Path, sequences: dict[str, list[IdMask]], *, binary: bool = False) -> Path:
        for name, masks in sequences.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            for index, mask in enumerate(masks):
                write_index_mask(folder / name / f"{index:05d}.png", mask, binary=binary)
        return folder

    return write


@pytest.fixture
def clip() -> list[IdMask]:
    """Five frames of two squares that move: ids 1 and 2."""
    frames = []
    for step in range(5):
        mask = np.zeros((40, 60), np.uint8)
        mask[5:20, 5 + step : 20 + step] = 1
        mask[22:35, 30 - step : 45 - step] = 2
        frames.append(mask)
    return frames


@pytest.fixture(scope="session")
def golden() -> Path:
    return GOLDEN


@pytest.fixture(scope="session")
def golden_global() -> dict[str, dict[str, float]]:
    values: dict[str, dict[str, float]] = json.loads((GOLDEN / "global.json").read_text())
    return values


@pytest.fixture(scope="session")
def edge_cases() -> list[EdgeCase]:
    """Prediction, annotation, J and F of 400 pairs from 1x1 to 480x910."""
    with np.load(GOLDEN / "edge_cases.npz") as stored:

        def unpack(name: str, height: int, width: int) -> Mask:
            return np.unpackbits(stored[name], count=height * width).reshape(height, width).astype(bool)

        return [
            (unpack(f"pred_{i}", h, w), unpack(f"gt_{i}", h, w), float(stored["J"][i]), float(stored["F"][i]))
            for i, (h, w) in enumerate(stored["shapes"].tolist())
        ]


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of a small network with random weights: it segments badly, but as any other does."""
    # here, so that tests of the scorer run without torch
    import tiny_mrnet
    import torch

    from mrnet_cli.models.mrnet import MRNet
    from mrnet_cli.models.weights import save_weights

    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(path, MRNet(tiny_mrnet.CONFIG))
    return path


@pytest.fixture
def moving_squares() -> tuple[list[NDArray[np.uint8]], list[IdMask]]:
    """Twelve RGB frames of 72x100 with two textured squares that move, and their ids."""
    rng = np.random.default_rng(0)
    ground, texture = rng.integers(0, 120, (72, 100, 3), np.uint8), rng.integers(100, 255, (2, 20, 20, 3), np.uint8)
    images, masks = [], []
    for t in range(12):
        image, mask = ground.copy(), np.zeros((72, 100), np.uint8)
        for i, (top, left) in enumerate([(8, 5 + 2 * t), (40, 70 - 2 * t)]):
            image[top : top + 20, left : left + 20] = texture[i]
            mask[top : top + 20, left : left + 20] = i + 1
        images.append(image)
        masks.append(mask)
    return images, masks


@pytest.fixture
def write_davis(
    tmp_path: Path, moving_squares: tuple[list[NDArray[np.uint8]], list[IdMask]], write_tree: WriteTree
) -> Callable[..., Path]:
    """Writes a DAVIS root of real JPEGs and PNGs with the sequences named."""

    def write(*names: str, year: int = 2017) -> Path:
        root, (images, masks) = tmp_path / "davis", moving_squares
        for name in names:
            folder = root / "JPEGImages" / "480p" / name
            folder.mkdir(parents=True)
            for t, image in enumerate(images):
                Image.fromarray(image).save(folder / f"{t:05d}.jpg", quality=95)
        write_tree(root / "Annotations" / "480p", dict.fromkeys(names, masks), binary=year == 2016)
        (root / "ImageSets" / str(year)).mkdir(parents=True)
        (root / "ImageSets" / str(year) / "val.txt").write_text("".join(f"{name}\n" for name in names))
        return root

    return write


@pytest.fixture
def damage_frame() -> Callable[[Path], None]:
    """Makes a JPEG a PNG that looks whole until it is decoded."""

    def damage(frame: Path) -> None:
        png = frame.with_suffix(".png")
        with Image.open(frame) as image:
            image.save(png)
        frame.unlink()
        content = bytearray(png.read_bytes())
        content[len(content) // 2] ^= 0xFF
        png.write_bytes(content)

    return damage


@pytest.fixture
def train_root(write_davis: Callable[..., Path]) -> Path:
    """A DAVIS-2016 root whose train split has the sequences `bear` and `dog`, at 480p."""
    root = write_davis("bear", "dog", year=2016)
    split = root / "ImageSets" / "2016"
    (split / "val.txt").rename(split / "train.txt")
    return root


@pytest.fixture
def flawed(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, made the current one, with `DAVIS` and the predictions `mine`, which have two flaws in `circles`.

    The annotations and the predictions of `squares` are sound: 5 frames of 60x40, ids 1 and 2.
    """
    monkeypatch.chdir(tmp_path)
    both = {"squares": clip, "circles": clip}
    write_tree(tmp_path / "DAVIS" / "Annotations" / "480p", both)
    (tmp_path / "DAVIS" / "ImageSets" / "2017").mkdir(parents=True)
    (tmp_path / "DAVIS" / "ImageSets" / "2017" / "val.txt").write_text("squares\ncircles\n")
    write_tree(tmp_path / "mine", both)
    (tmp_path / "mine" / "circles" / "00001.png").unlink()
    write_index_mask(tmp_path / "mine" / "circles" / "00003.png", clip[3] + 5)
    return tmp_path


@pytest.fixture
def problems_of(flawed: Path) -> Callable[..., list[str]]:
    """Scores `mine`, which must end with exit code 2 and nothing written; gives the problems beside the two flaws."""
    flaws = [
        "Error: mine/circles lacks 1 of 3 scored frames: 00001.png",
        "Error: mine/circles/00003.png holds id 7, but the first annotation names objects 1 to 2 only: "
        "set it to 0, or to the id of an object",
    ]

    def score(*more: str) -> list[str]:
        arguments = ["--davis", "DAVIS", "--predictions", "mine", "--workers", "1", "--output", "scores"]
        result = CliRunner().invoke(main, ["evaluate", *arguments, *more])
        assert result.exit_code == 2, result.output
        assert isinstance(result.exception, SystemExit)
        assert not (flawed / "scores").exists()
        lines = [line for line in result.stderr.splitlines() if line]
        assert [line for line in lines if line in flaws] == flaws
        assert all(line.startswith("Error: ") for line in lines), result.stderr
        return [line.removeprefix("Error: ") for line in lines if line not in flaws]

    return score


WritePicture = Callable[[Path, str, NDArray[np.uint8], NDArray[np.uint8]], "PictureFiles"]
WriteFiles = Callable[..., tuple["PictureFiles", ...]]


@pytest.fixture(scope="session")
def write_picture() -> WritePicture:
    """Writes an RGB picture and its mask."""
    # here, so that tests of the scorer run without what training needs
    from mrnet_cli.training.sources import PictureFiles

    def write(folder: Path, name: str, image: NDArray[np.uint8], ids: NDArray[np.uint8]) -> PictureFiles:
        folder.mkdir(exist_ok=True)
        files = PictureFiles(folder / name, (folder / name).with_suffix(".mask.png"), False)
        cv2.imwrite(str(files.image), np.ascontiguousarray(image[..., ::-1]))
        write_index_mask(files.mask, ids)
        return files

    return write


@pytest.fixture(scope="session")
def write_video(write_picture: WritePicture) -> WriteFiles:
    """Writes JPEGs of a red box that moves over dark ground, and a yellow patch that is not labelled."""

    def write(folder: Path, frames: int, *, void: bool = False) -> tuple[PictureFiles, ...]:
        files = []
        for t in range(frames):
            image, ids = np.full((80, 120, 3), 15, np.uint8), np.zeros((80, 120), np.uint8)
            image[20:60, 20 + 2 * t : 60 + 2 * t], ids[20:60, 20 + 2 * t : 60 + 2 * t] = (220, 20, 20), 1
            if void:
                image[:16], ids[:16] = (220, 220, 20), 255
            files.append(write_picture(folder, f"{t:05d}.jpg", image, ids))
        return tuple(files)

    return write


@pytest.fixture(scope="session")
def write_stills(write_picture: WritePicture) -> WriteFiles:
    """Writes PNGs of a green disk on blue ground."""

    def write(folder: Path, *, empty: bool = False) -> tuple[PictureFiles, ...]:
        files = []
        for i in range(3):
            disk = np.zeros((90, 90), np.uint8)
            cv2.circle(disk, (30 + 10 * i, 45), 15 + 5 * i, (1,), -1)
            image = np.full((90, 90, 3), (20, 20, 120), np.uint8)
            image[disk > 0] = (20, 200, 20)
            files.append(write_picture(folder, f"{i}.png", image, disk * 0 if empty else disk))
        return tuple(files)

    return write


# what tests of the page share
_PAGE_FRAMES = 12


def _moving_mask(t: int, shift: int) -> IdMask:
    """Two squares of 20 pixels, the first of which moves."""
    mask = np.zeros((72, 100), np.uint8)
    mask[8:28, 5 + 2 * t + shift : 25 + 2 * t + shift] = 1
    mask[40:60, 70 - shift : 90 - shift] = 2
    return mask


def _mrnet(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture(scope="session")
def bad_sequence() -> str:
    """A name that would be a script if it were not escaped."""
    return '"><script>alert(1)<!--'


@pytest.fixture(scope="session")
def bad_run() -> str:
    """A name that would be an element, and more to a template."""
    return "<script>alert(2)<b>{{ 7*7 }}&amp;"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, bad_sequence: str) -> Path:
    """A folder with `DAVIS`, the masks and scores of `good` and `late`, and a record that `good` is ours.

    The masks of `late` lie further off with every frame.
    """
    root = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(0)
    for name in ("squares", bad_sequence):
        folders = {
            one: root / one / name for one in ("DAVIS/JPEGImages/480p", "DAVIS/Annotations/480p", "good", "late")
        }
        for folder in folders.values():
            folder.mkdir(parents=True)
        for t in range(_PAGE_FRAMES):
            picture = Image.fromarray(rng.integers(0, 255, (72, 100, 3), np.uint8))
            picture.save(folders["DAVIS/JPEGImages/480p"] / f"{t:05d}.jpg")
            for one, shift in (("DAVIS/Annotations/480p", 0), ("good", 1), ("late", t // 2)):
                write_index_mask(folders[one] / f"{t:05d}.png", _moving_mask(t, shift))
    split = root / "DAVIS" / "ImageSets" / "2017" / "val.txt"
    split.parent.mkdir(parents=True)
    split.write_text(f"squares\n{bad_sequence}\n")
    finished = {name: {"frames": _PAGE_FRAMES, "objects": 2, "seconds": 3.0} for name in ("squares", bad_sequence)}
    (root / "good" / "predict.json").write_text(json.dumps({"settings": {"weights": "w"}, "finished": finished}))
    picks = "".join(f"squares,{t:05d},{max(0, t - 5):05d},\n" for t in range(1, _PAGE_FRAMES))
    (root / "good" / "ranking.csv").write_text(f"sequence,frame,chosen,object\n{picks}")
    for one in ("good", "late"):
        arguments = ("--davis", root / "DAVIS", "--predictions", root / one, "--workers", "1")
        assert _mrnet("evaluate", *arguments, "--output", root / "scores" / one).exit_code == 0
    return root


@pytest.fixture(scope="module")
def report(runs: Path, bad_run: str) -> Callable[..., Result]:
    """Runs `mrnet report` on `good` and a hostile name for `late`, into the output given."""

    def run(output: Path, *more: str | Path) -> Result:
        named = f"--name={bad_run}={runs / 'scores' / 'late'}"
        return _mrnet("report", runs / "scores" / "good", runs / "good", named, "--output", output, *more)

    return run


@pytest.fixture(scope="module")
def page(runs: Path, report: Callable[..., Result], bad_run: str) -> Path:
    """The page with pictures."""
    masks = f"--predictions={bad_run}={runs / 'late'}"
    result = report(runs / "report", "--html", "--davis", runs / "DAVIS", masks)
    assert result.exit_code == 0, result.output
    return runs / "report" / "report.html"
