"""Real sequences as video files through ``mrnet predict --video``, scored beside the same run from their pictures.

    python benchmarks/video_roundtrip.py --data DATA

DATA holds ``DAVIS`` (2016 val, 480p, with its frames). Writes results/video.md.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path

import click
import torch
from shared import RESULTS, data_option, mrnet

from mrnet_cli.data.davis import load_davis
from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.rows import markdown_table, percent
from mrnet_cli.data.videos import VideoWriter
from mrnet_cli.environment import environment_of
from mrnet_cli.evaluation.protocol import DAVIS_2016
from mrnet_cli.evaluation.runner import Evaluation, evaluate

# of DAVIS, in frames a second
RATE = 24
# of H.264: nothing lost but colour in 2x2 pixels, and what `--overlay` writes
QUALITIES = (0, 18)


@click.command()
@data_option("DAVIS")
@click.option("--sequences", default="dog,car-shadow,libby", show_default=True, help="Comma-separated, of 2016 val.")
def main(data: Path, sequences: str) -> None:
    """Encodes sequences, segments both forms and compares the scores."""
    names = sequences.split(",")
    davis = data / "DAVIS"
    found = load_davis(davis, year=2016, split="val", sequences=names)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        mrnet("predict", "--davis", davis, "--year", "2016", "--sequences", sequences, "--output", place / "pictures")
        for crf, sequence in product(QUALITIES, found):
            clip = place / f"{sequence.name}.mp4"
            with VideoWriter(clip, crf=crf) as video:
                for number, path in enumerate(sequence.images):
                    video.write(read_frame(path), Fraction(number, RATE))
            first = sequence.annotations[0]
            mrnet(
                "predict",
                "--video",
                clip,
                "--mask",
                first,
                "--overlay",
                "--resume",
                "--output",
                place / f"videos-{crf}",
            )
        forms = ("pictures", *(f"videos-{crf}" for crf in QUALITIES))
        scores = [evaluate(found, place / form, protocol=DAVIS_2016) for form in forms]
        weights = json.loads((place / "pictures" / "predict.json").read_text())["settings"]["weights_sha256"]
    write_text_atomically(RESULTS / "video.md", page(sequences, scores, weights=weights))


def page(sequences: str, scores: Sequence[Evaluation], *, weights: str) -> str:
    """All scores of every sequence, from pictures first, in Markdown."""
    rows = []
    for of_one in zip(*(one.objects for one in scores), strict=True):
        rows.append((of_one[0].sequence, *cells([(score.j.mean + score.f.mean) / 2 for score in of_one])))
    rows.append(("mean", *cells([one.jf for one in scores])))
    where = environment_of(torch.device("cpu"))
    return "\n".join(
        [
            "# The same sequences as pictures and as video files (measured)",
            "",
            f"    python benchmarks/video_roundtrip.py --data DATA --sequences {sequences}",
            "",
            "J&F by the rules of DAVIS-2016, in percent, and how far it is from that of the pictures. The video files",
            "are H.264 made from the pictures of DAVIS: at crf 0 they lose nothing but colour in 2x2 pixels, at crf 18",
            "texture too.",
            f"On {where.machine}, {where.versions}, weights {weights[:12]}.",
            "",
            *markdown_table(("sequence", "from JPEG files", *(f"from MP4, crf {crf}" for crf in QUALITIES)), rows),
            "",
        ]
    )


def cells(jf: Sequence[float]) -> list[str]:
    """The first in percent, the others with their difference from it."""
    return [percent(jf[0]), *(f"{percent(one)} ({100 * (one - jf[0]):+.2f})" for one in jf[1:])]


if __name__ == "__main__":
    main()
