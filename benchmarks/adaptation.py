"""What online adaptation gains and what it costs: J&F over steps and seconds, on videos that the weights never saw.

    python benchmarks/adaptation.py --data DATA --weights WEIGHTS --runs RUNS

DATA holds ``DAVIS`` (2016 train, 384p); WEIGHTS are of a training that held out the videos of ``HELD_OUT``, such as the
first of ``benchmarks/study.py``. Scores are kept below RUNS and not made twice, so that the study can be stopped and
taken up again; results/adaptation.md is written after each video.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from shared import HELD_OUT, RESULTS, data_option

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.rows import markdown_table
from mrnet_cli.environment import environment_of
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights
from mrnet_cli.training.adaptation.adapter import Adaptation, adapt
from mrnet_cli.training.adaptation.video import adapt_to_video
from mrnet_cli.training.validation import HeldOut, held_out_videos, score

LINES = 192
NEWLINE = "\n"


@dataclass(frozen=True)
class Variant:
    """A way to adapt.

    Attributes:
        name: in the tables.
        settings: of the first frame's adaptation; None is not to adapt.
        share: of the fitted weights in their mean with the weights as they were.
        later: settings of a second adaptation, to the surest mask of the video's second half as the first has found it.
    """

    name: str
    settings: Adaptation | None
    share: float = 1.0
    later: Adaptation | None = None


@dataclass(frozen=True)
class Outcome:
    """Of one video.

    Attributes:
        j: mean over its frames, in [0, 1].
        f: likewise.
        steps: that led to the weights it was segmented with.
        seconds: of processor time that the adaptation took.
        before: loss on the clips that no step saw, with the weights as they were.
        after: the same, with the weights it was segmented with.
    """

    j: float
    f: float
    steps: int
    seconds: float
    before: float
    after: float

    @property
    def both(self) -> float:
        """J&F in percent."""
        return 50 * (self.j + self.f)


def variants() -> list[Variant]:
    """What is compared, the most telling first."""
    usual = Adaptation(30, lines=LINES, ahead=0)
    small = replace(usual, lines=128)
    return [
        Variant("no adaptation", None),
        Variant("10 steps", replace(usual, steps=10)),
        Variant("30 steps", usual),
        Variant("30 steps, decoder alone", replace(usual, backbone_rate=0.0)),
        Variant("30 steps, clips of 128 lines", small),
        Variant("60 steps, clips of 128 lines", replace(small, steps=60)),
        Variant("60 steps, clips of 128 lines, kept whether they help or not", replace(small, steps=60, clips=0)),
        Variant("60 steps", replace(usual, steps=60)),
        Variant("120 steps", replace(usual, steps=120)),
        Variant("240 steps", replace(usual, steps=240)),
        Variant("240 steps, looking ahead", replace(usual, steps=240, ahead=Adaptation.ahead)),
        Variant("30 steps, clips of 256 lines", replace(usual, lines=256)),
        Variant("30 steps, another seed", replace(usual, seed=1)),
        Variant("30 steps, mean with the weights as they were", usual, share=0.5),
        Variant("60 steps, mean with the weights as they were", replace(usual, steps=60), share=0.5),
        Variant("30 steps, then 30 on the surest later frame", usual, later=usual),
    ]


@click.command()
@data_option("DAVIS")
@click.option("--weights", type=click.Path(path_type=Path), required=True, help="That never saw the videos.")
@click.option("--runs", type=click.Path(path_type=Path), required=True, help="Folder for scores.")
@click.option("--frames", default=40, show_default=True, help="Of each video, at most.")
def main(data: Path, weights: Path, runs: Path, frames: int) -> None:
    """Runs what is missing of the study and writes results/adaptation.md."""
    videos = [shortened(one, frames) for one in held_out_videos(data / "DAVIS", HELD_OUT, resolution="384p")]
    for variant in variants():
        for video in videos:
            measured(runs, variant, video, weights)
            write_text_atomically(RESULTS / "adaptation.md", page(runs, weights, frames))
        click.echo(f"{variant.name}: done")


def shortened(video: HeldOut, frames: int) -> HeldOut:
    """The first frames of a video; the last of them is not scored, as the last of any video."""
    kept = video.job.frames[:frames]
    scored = {path.stem for path in kept[1:-1]}
    truth = {stem: path for stem, path in video.truth.items() if stem in scored}
    return HeldOut(replace(video.job, frames=kept), truth)


def measured(runs: Path, variant: Variant, video: HeldOut, weights: Path, *, amp: bool = False) -> Outcome:
    """The outcome of a way to adapt, made once."""
    file = place(runs, variant, video.job.name)
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(file, json.dumps(asdict(outcome(variant, video, weights, amp=amp)), indent=1))
    return Outcome(**json.loads(file.read_text()))


def outcome(variant: Variant, video: HeldOut, weights: Path, *, amp: bool) -> Outcome:
    """Adapts to a video, segments and scores it."""
    network, steps, before, after = load_weights(weights), 0, 0.0, 0.0
    started, job = time.process_time(), video.job
    if variant.settings is not None:
        dtype = torch.bfloat16 if amp else torch.float32
        like = Segmenter(load_weights(weights), dtype=dtype)
        adapted = adapt_to_video(network, variant.settings, job, like=like)
        network, steps, before, after = adapted.network, adapted.steps, adapted.before, adapted.after
        network = mean(load_weights(weights), network, variant.share)
    if variant.later is not None:
        cpu = torch.device("cpu")
        adapted = adapt(network, variant.later, *surest(network, job), name=job.name, device=cpu, amp=amp)
        network, steps = adapted.network, steps + adapted.steps
    seconds = time.process_time() - started
    j, f = score(Segmenter(network), video)
    return Outcome(j, f, steps, seconds, before, after)


def mean(before: MRNet, after: MRNet, share: float) -> MRNet:
    """The second network with its weights drawn towards the first's, but for a share."""
    weights = before.state_dict()
    for name, tensor in after.state_dict().items():
        if tensor.is_floating_point():
            tensor.lerp_(weights[name], 1 - share)
    return after


def surest(network: MRNet, job: Job) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The frame of a video's second half whose mask leaves least open, for its area; and that mask."""
    segmenter, best = Segmenter(network), (np.inf, read_frame(job.frames[0]), job.mask)
    for number, path in enumerate(job.frames):
        image = read_frame(path)
        ids = segmenter.step(image) if number else segmenter.start(image, job.mask)
        if 2 * number < len(job.frames) or not ids.any():
            continue
        opacity = segmenter.opacity
        open_still = float(np.minimum(opacity, 1 - opacity).sum() / opacity.sum())
        if open_still < best[0]:
            best = open_still, image, ids
    return best[1:]


def place(runs: Path, variant: Variant, name: str) -> Path:
    """The file of a variant's outcome on a video."""
    return runs / variant.name.replace(",", "").replace(" ", "-") / f"{name}.json"


def outcomes(runs: Path, variant: Variant) -> list[Outcome]:
    """Those that there are, in the order of the videos."""
    files = [place(runs, variant, name) for name in HELD_OUT]
    return [Outcome(**json.loads(file.read_text())) for file in files if file.is_file()]


def page(runs: Path, weights: Path, frames: int) -> str:
    """The study so far in Markdown."""
    finished = [(variant, found) for variant in variants() if len(found := outcomes(runs, variant)) == len(HELD_OUT)]
    tables = ["", *overview(finished), "", "J&F by video:", "", *by_video(finished)] if finished else []
    where = environment_of(torch.device("cpu"))
    return f"""# What online adaptation gains and costs (measured)

    python benchmarks/adaptation.py --data DATA --weights WEIGHTS --runs RUNS

Each row but the first fits a copy of the network to every video's first frame and then segments the first {frames}
frames. The videos are of DAVIS-2016's train split (384p). The weights are `{weights.parent.name}` of
`study.md`, whose training held these videos out; it had 300 steps, a small part of the shipped weights', so
that there is more to gain than for those. Clips have {LINES} lines unless the row says otherwise. Seconds are those
that one processor core computed for a video's adaptation, on a machine busy with other work. J, F and J&F are in
percent; `worst` is the least gain of a video.
{NEWLINE.join(tables)}

On {where.machine}, {torch.get_num_threads()} thread, {where.versions}.
"""


def overview(finished: list[tuple[Variant, list[Outcome]]]) -> list[str]:
    """A row for each variant."""
    base = np.array([one.both for one in finished[0][1]])
    rows = []
    for variant, found in finished:
        gain = np.array([one.both for one in found]) - base
        j, f, steps, seconds = np.mean([(100 * one.j, 100 * one.f, one.steps, one.seconds) for one in found], axis=0)
        better = f"{int((gain > 0).sum())} of {len(found)}"
        rows.append(
            (
                variant.name,
                *(f"{value:.1f}" for value in (j, f, (j + f) / 2)),
                f"{gain.mean():+.1f}",
                better,
                f"{gain.min():+.1f}",
                f"{steps:.0f}",
                f"{seconds:.1f}",
            )
        )
    return markdown_table(("", "J", "F", "J&F", "gain", "better", "worst", "steps kept", "seconds"), rows)


def by_video(finished: list[tuple[Variant, list[Outcome]]]) -> list[str]:
    """A row for each variant, a column for each video."""
    return markdown_table(
        ("", *HELD_OUT), [(variant.name, *(f"{one.both:.1f}" for one in found)) for variant, found in finished]
    )


if __name__ == "__main__":
    main()
