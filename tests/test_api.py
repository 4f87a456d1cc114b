"""``from mrnet_cli import ...``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import mrnet_cli
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.masks import read_index_mask
from mrnet_cli.errors import DataError

WriteDavis = Callable[..., Path]


def test_a_segmenter_is_used_frame_by_frame(write_davis: WriteDavis, tiny_weights: Path) -> None:
    root = write_davis("squares")
    frames = sorted((root / "JPEGImages/480p/squares").iterdir())
    first = read_index_mask(root / "Annotations/480p/squares/00000.png")
    segmenter = mrnet_cli.Segmenter.from_pretrained(str(tiny_weights), device="cpu")
    assert np.array_equal(segmenter.start(read_frame(frames[0]), first), first)
    for path in frames[1:3]:
        mask = segmenter.step(read_frame(path))
        assert mask.shape == first.shape
        assert set(np.unique(mask)) <= {0, 1, 2}


def test_masks_are_scored_in_one_call_as_on_the_command_line(write_davis: WriteDavis, tmp_path: Path) -> None:
    root = write_davis("squares")
    truth = root / "Annotations" / "480p"
    perfect = mrnet_cli.evaluate(truth, davis=root, workers=1)
    assert (perfect.jf, perfect.j.mean, perfect.f.mean, len(perfect.objects)) == (1.0, 1.0, 1.0, 2)
    assert mrnet_cli.evaluate(str(truth), annotations=str(truth), protocol="mose", workers=1).protocol.name == "mose"
    with pytest.raises(DataError, match="none cannot be read"):
        mrnet_cli.evaluate(tmp_path / "none", davis=root, workers=1)


def test_a_protocol_takes_the_split_of_its_year_as_on_the_command_line(write_davis: WriteDavis) -> None:
    root = write_davis("squares", year=2016)
    truth = root / "Annotations" / "480p"
    assert mrnet_cli.evaluate(truth, davis=root, protocol="davis2016", workers=1).jf == 1.0
    with pytest.raises(ValueError, match="year 2016 and protocol davis2017 contradict each other"):
        mrnet_cli.evaluate(truth, davis=root, year=2016, protocol="davis2017")


def test_wrong_arguments_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="either davis or annotations"):
        mrnet_cli.evaluate(tmp_path)
    with pytest.raises(ValueError, match="'davis' is not one of davis2016"):
        mrnet_cli.evaluate(tmp_path, annotations=tmp_path, protocol="davis")
    # text would be taken for a year other than 2016, and so for the rules of 2017
    with pytest.raises(ValueError, match="year '2016' is not one of 2016, 2017"):
        mrnet_cli.evaluate(tmp_path, annotations=tmp_path, year="2016")  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="segment"):
        mrnet_cli.segment  # noqa: B018


def test_what_the_package_offers_can_be_listed_before_it_is_used() -> None:
    code = "import sys, mrnet_cli; sys.exit('torch' in sys.modules or 'Segmenter' not in dir(mrnet_cli))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_scoring_from_python_needs_no_torch() -> None:
    code = "import sys; from mrnet_cli import evaluate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
