"""What several tests share: the DAVIS data where it is, golden values, and small trees of masks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from mrnet_cli.data.masks import IdMask, write_index_mask
from mrnet_cli.evaluation.region import Mask

# the machine may be busy, which says nothing about the code
settings.register_profile("mrnet", deadline=None)
settings.load_profile("mrnet")

WriteTree = Callable[..., Path]
EdgeCase = tuple[Mask, Mask, float, float]

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
