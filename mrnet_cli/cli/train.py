"""``mrnet train``: the paper's training, or that of the shipped weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import torch

from mrnet_cli.cli.progress import frame_progress
from mrnet_cli.data.files import make_output_dir
from mrnet_cli.inference.segmenter import choose_device
from mrnet_cli.models.config import PRESETS
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.imagenet import imagenet_weights
from mrnet_cli.training.loop import Trainer
from mrnet_cli.training.progress import Progress
from mrnet_cli.training.recipe import RECIPES, Recipe
from mrnet_cli.training.sources import davis_videos, stills

path = click.Path(path_type=Path)


@click.command(epilog="Example:  mrnet train --preset lite --davis DAVIS --stills STILLS --output runs/lite")
@click.option(
    "--preset", type=click.Choice(list(PRESETS)), default="lite", show_default=True, help="Network and recipe."
)
@click.option("--davis", type=path, required=True, help="DAVIS root; its train split is used.")
@click.option("--resolution", default="384p", show_default=True, help="Folder below JPEGImages and Annotations.")
@click.option("--stills", "stills_dir", type=path, help="Folder of images/ and masks/ to make clips from.")
@click.option("--init", default="imagenet", show_default=True, help="imagenet, none, or a weights file to start from.")
@click.option("--steps", type=click.IntRange(min=1), help="Steps of the optimiser [default: the recipe's].")
@click.option("--seed", default=0, show_default=True, help="Of clips and initial weights.")
@click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, cuda:1; auto takes a GPU where there is one."
)
@click.option("--amp", is_flag=True, help="bfloat16 autocast.")
@click.option("--workers", type=click.IntRange(min=0), default=1, show_default=True, help="Processes that make clips.")
@click.option(
    "--checkpoint-every", type=click.IntRange(min=1), default=100, show_default=True, help="Steps between checkpoints."
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the output folder.")
@click.option("--output", type=path, required=True, help="Folder for checkpoint, weights and log.csv.")
def train(
    preset: str,
    davis: Path,
    resolution: str,
    stills_dir: Path | None,
    init: str,
    steps: int | None,
    seed: int,
    device: str,
    amp: bool,
    workers: int,
    checkpoint_every: int,
    resume: bool,
    output: Path,
) -> None:
    """Trains a preset on videos and stills with masks."""
    recipe = RECIPES[preset] if steps is None else replace(RECIPES[preset], steps=steps)
    place = choose_device(device)
    sources = Sources(davis_videos(davis, resolution=resolution), stills(stills_dir) if stills_dir else ())
    if (output / "checkpoint.safetensors").exists() and not resume:
        raise click.UsageError(f"{output} holds a training already: go on with --resume, or choose another folder")
    make_output_dir(output)
    network = _network(preset, init, seed)
    trainer = Trainer(network, recipe, output=output, seed=seed, device=place, amp=amp)
    done = trainer.resume() if resume else 0
    _run(trainer, sources, recipe, done=done, workers=workers, every=checkpoint_every)
    click.echo(f"trained {recipe.steps} steps: {output / 'weights.safetensors'}")


def _network(preset: str, init: str, seed: int) -> MRNet:
    torch.manual_seed(seed)
    if init not in ("imagenet", "none"):
        return load_weights(Path(init))
    network = MRNet(PRESETS[preset])
    if init == "imagenet":
        network.encoder.load_imagenet(imagenet_weights(network.config.backbone))
    return network


def _run(trainer: Trainer, sources: Sources, recipe: Recipe, *, done: int, workers: int, every: int) -> None:
    recent: list[float] = []
    with frame_progress("Training", recipe.steps - done, unit="steps") as advance:

        def report(progress: Progress) -> None:
            recent.append(progress.loss)
            advance(f"loss {sum(recent[-50:]) / len(recent[-50:]):.3f}")

        trainer.run(sources, workers=workers, every=every, report=report)
