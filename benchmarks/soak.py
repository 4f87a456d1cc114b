"""Memory, file handles and rate over a long video and over many sequences.

    python benchmarks/soak.py --frames 20000 --sequences 2000

`predict` segments a folder of links to a few hundred frames with a small network; then `evaluate` scores many small
sequences. Both run in this process, which looks at itself a hundred times on the way. Rates count processor time, so
that a busy machine does not change them. For Linux. Writes results/reliability-soak.md.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
import torch
from shared import RESULTS

from mrnet_cli.data.davis import load_annotation_tree
from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.rows import markdown_table
from mrnet_cli.data.synthetic import make_demo_dataset
from mrnet_cli.environment import environment_of
from mrnet_cli.evaluation.protocol import DAVIS_2017
from mrnet_cli.evaluation.runner import evaluate
from mrnet_cli.evaluation.tables import write_evaluation
from mrnet_cli.inference.jobs import folder_job
from mrnet_cli.inference.pipeline import predict
from mrnet_cli.inference.record import Record, settings_of
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import save_weights
from mrnet_cli.peak_memory import MEBIBYTE

SCENE = "cat"
# frames that the links lead to, those of a sequence to score, and the size of all
SHOWN, SCORED, SIZE = 240, 8, (96, 160)
SAMPLES = 100


@dataclass(frozen=True)
class Sample:
    """A moment of a run.

    Attributes:
        done: frames or sequences.
        seconds: of processor time.
        mib: of resident memory.
        handles: open files.
    """

    done: int
    seconds: float
    mib: float
    handles: int


class Watch:
    """Looks at this process now and then.

    Args:
        total: what there is to do.
    """

    def __init__(self, total: int) -> None:
        self._step, self._done = max(1, total // SAMPLES), 0
        self.samples: list[Sample] = []

    def more(self, by: int = 1) -> None:
        """Notes what was done."""
        before, self._done = self._done, self._done + by
        if before // self._step != self._done // self._step:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            mib = pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE
            handles = len(list(Path("/proc/self/fd").iterdir()))
            self.samples.append(Sample(self._done, time.process_time(), mib, handles))


@click.command()
@click.option("--frames", type=click.IntRange(SAMPLES), default=20_000, show_default=True, help="Of the video.")
@click.option("--sequences", type=click.IntRange(SAMPLES), default=2_000, show_default=True, help="To score.")
@click.option("--page", type=click.Path(path_type=Path), default=RESULTS / "reliability-soak.md")
def main(frames: int, sequences: int, page: Path) -> None:
    """Runs both and writes the page."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        make_demo_dataset(scratch / "davis", frames=SHOWN, size=SIZE)
        runs = {
            f"`predict`, {frames} frames": soak(segment, scratch, frames),
            f"`evaluate`, {sequences} sequences": soak(score, scratch, sequences),
        }
    command = f"python benchmarks/soak.py --frames {frames} --sequences {sequences}"
    write_text_atomically(page, report(command, runs))


def soak(work: Callable[[Path, int, Watch], None], scratch: Path, total: int) -> list[Sample]:
    """Watches a piece of work."""
    watch = Watch(total)
    work(scratch, total, watch)
    return watch.samples


def segment(scratch: Path, frames: int, watch: Watch) -> None:
    """Segments a long video as `mrnet predict --frames` does."""
    links, weights = scratch / "video", scratch / "tiny.safetensors"
    links.mkdir()
    for number in range(frames):
        # there and back, as a video does not jump
        place = number % (2 * SHOWN)
        shown = min(place, 2 * SHOWN - 1 - place)
        (links / f"{number:05d}.jpg").symlink_to(scratch / f"davis/JPEGImages/480p/{SCENE}/{shown:05d}.jpg")
    save_small_network(weights)
    segmenter = Segmenter.from_pretrained(weights=weights, device="cpu")
    job = folder_job(links, scratch / f"davis/Annotations/480p/{SCENE}/00000.png")
    record = Record(scratch / "masks", settings_of(segmenter, weights))
    predict(segmenter, [job], scratch / "masks", record=record, on_frame=lambda _: watch.more())


def save_small_network(path: Path) -> None:
    """Weights of a quick network, always the same."""
    torch.manual_seed(0)
    save_weights(path, MRNet(ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16, 16), size=64)))


def score(scratch: Path, sequences: int, watch: Watch) -> None:
    """Scores many sequences as `mrnet evaluate --annotations --workers 1` does."""
    tree = scratch / "tree"
    for number in range(sequences):
        folder = tree / f"s{number:04d}"
        folder.mkdir(parents=True)
        for frame in range(SCORED):
            shown = (number + frame) % SHOWN
            (folder / f"{frame:05d}.png").symlink_to(scratch / f"davis/Annotations/480p/{SCENE}/{shown:05d}.png")
    found = load_annotation_tree(tree, sequences=None, problems=[])
    # one chunk a sequence, as they are short
    scored = evaluate(found, tree, protocol=DAVIS_2017, on_progress=lambda done, total: watch.more())
    write_evaluation(scored, scratch / "scores", split="all")


def report(command: str, runs: dict[str, list[Sample]]) -> str:
    """The page: each run after its first tenth, and its last."""
    columns = ("run", "memory, MiB", "at the end", "change", "handles", "at the end", "ms each", "at the end", "change")
    rows = [(name, *cells(samples)) for name, samples in runs.items()]
    tenths = ("ms each in tenth", *map(str, range(1, 11)))
    paces = [(name, *(f"{pace:.2f}" for pace in paces_of(samples))) for name, samples in runs.items()]
    where = environment_of(torch.device("cpu"))
    return "\n".join(
        [
            "# A long video and many sequences (measured)",
            "",
            f"    {command}",
            "",
            f"Frames of {SIZE[1]}x{SIZE[0]} with two objects; sequences of {SCORED} frames. Memory is what the process",
            "holds, handles are its open files at most, ms are processor time for each frame or sequence: in the",
            "second tenth of the run, and in the last. In the first, the memory is taken that is kept for later.",
            f"On {where.machine}, {where.versions}.",
            "",
            *markdown_table(columns, rows),
            "",
            *markdown_table(tenths, paces),
            "",
        ]
    )


def cells(samples: Sequence[Sample]) -> list[str]:
    """Memory, handles and time of the second and the last tenth, and by how much they differ."""
    _, early, *_, late = tenths_of(samples)
    mib = [float(np.mean([one.mib for one in part])) for part in (early, late)]
    handles = [max(one.handles for one in part) for part in (early, late)]
    paces = paces_of(samples)
    each = (paces[1], paces[-1])
    return [
        *(*(f"{value:.1f}" for value in mib), f"{100 * (mib[1] / mib[0] - 1):+.1f}%"),
        *map(str, handles),
        *(*(f"{value:.2f}" for value in each), f"{100 * (each[1] / each[0] - 1):+.1f}%"),
    ]


def tenths_of(samples: Sequence[Sample]) -> list[Sequence[Sample]]:
    """The samples in ten parts, each with the last one of the part before it."""
    ends = np.linspace(0, len(samples) - 1, 11).round().astype(int)
    return [samples[first : last + 1] for first, last in pairwise(ends)]


def paces_of(samples: Sequence[Sample]) -> list[float]:
    """Milliseconds for each frame or sequence, in every tenth of the run."""
    return [1000 * (part[-1].seconds - part[0].seconds) / (part[-1].done - part[0].done) for part in tenths_of(samples)]


if __name__ == "__main__":
    main()
