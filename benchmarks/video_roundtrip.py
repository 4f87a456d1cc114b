"""Real sequences as video files through ``mrnet predict --video``, scored beside the same run from their pictures.

    python benchmarks/video_roundtrip.py --data DATA

DATA holds ``DAVIS`` (2016 val, 480p, with its frames). Writes results/video.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import click
import torch

from mrnet_cli.data.davis import load_davis
from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.rows import markdown_table, percent
from mrnet_cli.data.videos import VideoWriter
from mrnet_cli.evaluation.protocol import DAVIS_2016
from mrnet_cli.evaluation.runner import Evaluation, evaluate
from mrnet_cli.speed.environment import environment_of

REPOSITORY = Path(__file__).resolve().parents[1]
# of DAVIS, in frames a second
RATE = 24


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=os.environ.get("MRNET_DATA", "../shared/data"),
    show_default=True,
    help="Folder that holds DAVIS.",
)
@click.option("--sequences", default="dog,car-shadow,libby", show_default=True, help="Comma-separated, of 2016 val.")
def main(data: Path, sequences: str) -> None:
    """Encodes sequences, segments both forms and compares the scores."""
    names = sequences.split(",")
    davis = data / "DAVIS"
    found = load_davis(davis, year=2016, split="val", sequences=names)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        mrnet("predict", "--davis", davis, "--year", "2016", "--sequences", sequences, "--output", place / "pictures")
        for sequence in found:
            clip = place / f"{sequence.name}.mp4"
            with VideoWriter(clip) as video:
                for number, path in enumerate(sequence.images):
                    video.write(read_frame(path), Fraction(number, RATE))
            first = sequence.annotations[0]
            mrnet("predict", "--video", clip, "--mask", first, "--overlay", "--output", place / "videos")
        both = [evaluate(found, place / form, protocol=DAVIS_2016) for form in ("pictures", "videos")]
        weights = json.loads((place / "pictures" / "predict.json").read_text())["settings"]["weights_sha256"]
    write_text_atomically(REPOSITORY / "results" / "video.md", page(sequences, *both, weights=weights))


def mrnet(*arguments: str | Path) -> None:
    """Runs a command of mrnet; its failure is this script's."""
    subprocess.run([sys.executable, "-m", "mrnet_cli", *map(str, arguments)], check=True)


def page(sequences: str, pictures: Evaluation, videos: Evaluation, *, weights: str) -> str:
    """Both scores of every sequence, in Markdown."""
    rows = []
    for one, other in zip(pictures.objects, videos.objects, strict=True):
        jf = [(score.j.mean + score.f.mean) / 2 for score in (one, other)]
        rows.append((one.sequence, *map(percent, jf), f"{100 * (jf[1] - jf[0]):+.2f}"))
    rows.append(("mean", *map(percent, (pictures.jf, videos.jf)), f"{100 * (videos.jf - pictures.jf):+.2f}"))
    where = environment_of(torch.device("cpu"))
    return "\n".join(
        [
            "# The same sequences as pictures and as video files (measured)",
            "",
            f"    python benchmarks/video_roundtrip.py --data DATA --sequences {sequences}",
            "",
            "J&F by the rules of DAVIS-2016, in percent. The video files are H.264, crf 18, made from the pictures of",
            "DAVIS: what differs is what the codec loses.",
            f"On {where.machine}, {where.versions}, weights {weights[:12]}.",
            "",
            *markdown_table(("sequence", "from JPEG files", "from MP4", "difference"), rows),
            "",
        ]
    )


if __name__ == "__main__":
    main()
