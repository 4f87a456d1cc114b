"""Trains on one GPU, in slices that each end in time and go on where the last one stopped.

    python benchmarks/gpu_training.py --data shards --output runs/lite-gpu --minutes 9

The folder of shards may still be filling: the training begins with what is there and takes what comes. After a slice
the output folder holds ``weights.safetensors`` (averaged, fp16), ``log.csv`` (every step), ``speed.csv`` and, in
``parts/``, the checkpoint in pieces. The next slice goes on from that or, where it is missing, from the pieces.

A step's clips follow from the seed, the step and the shards that have arrived; ``speed.csv`` tells when those came. If
all are there from the start, the clips of a training do not depend on how it is cut into slices.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import torch

from mrnet_cli.data.files import make_output_dir
from mrnet_cli.errors import MrnetError, WeightsError
from mrnet_cli.inference.segmenter import choose_device
from mrnet_cli.models.config import PRESETS
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights
from mrnet_cli.training.batches import Batch
from mrnet_cli.training.device_clips.arrivals import Arrivals
from mrnet_cli.training.device_clips.stream import device_batches
from mrnet_cli.training.imagenet import imagenet_weights
from mrnet_cli.training.log import TrainingLog
from mrnet_cli.training.loop import Trainer
from mrnet_cli.training.parts import join_parts, split_file
from mrnet_cli.training.progress import Progress
from mrnet_cli.training.recipe import RECIPES, Recipe

# seconds of a slice kept for its last step, the checkpoint and the pieces of that
RESERVE = 25
# steps between two looks for new shards, between two rows of speed.csv and between two checkpoints
LOOK, ROW, EVERY = 20, 20, 500
PART_BYTES = 15 * 2**20
# options of the network that a training starts from, and of its steps
NEW, SHAPE = ("init", "preset", "variant"), ("steps", "clips", "frames", "height", "width")
path = click.Path(path_type=Path)
size = click.IntRange(min=1)


@click.command()
@click.option("--data", type=path, required=True, help="Folder of shards, which may still be filling.")
@click.option("--output", type=path, required=True, help="Folder for checkpoint, weights and logs.")
@click.option("--recipe", "name", type=click.Choice(list(RECIPES)), default="lite-gpu", show_default=True)
@click.option("--init", default="shipped", show_default=True, help="shipped, imagenet, none, or a weights file.")
@click.option("--preset", type=click.Choice(list(PRESETS)), default="lite", show_default=True, help="With new weights.")
@click.option("--variant", type=click.Choice(["none", "mask", "mask+similarity"]), help="Likewise.")
@click.option("--minutes", type=click.FloatRange(min=0.1), default=9.0, show_default=True, help="Length of the slice.")
@click.option("--most-steps", type=size, help="End the slice after so many steps.")
@click.option("--seed", default=0, show_default=True, help="Of clips and initial weights.")
@click.option("--device", default="cuda", show_default=True, help="cpu, cuda, cuda:1.")
@click.option("--compile/--no-compile", "compiled", default=True, show_default=True, help="By torch.compile.")
@click.option("--steps", type=size, help="Of all slices together [default: the recipe's; likewise below].")
@click.option("--clips", type=size, help="In a batch.")
@click.option("--frames", type=click.IntRange(min=2), help="In a clip.")
@click.option("--height", type=size, help="Of a clip, a multiple of 32.")
@click.option("--width", type=size, help="Likewise.")
def main(minutes: float, **options: Any) -> None:  # noqa: ANN401
    """Trains one slice."""
    started = time.monotonic()
    new, shape = ({key: options.pop(key) for key in keys} for keys in (NEW, SHAPE))
    try:
        train(deadline=started + minutes * 60 - RESERVE, new=new, shape=shape, **options)
    except MrnetError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"slice done in {time.monotonic() - started:.0f} s")


def train(
    *,
    deadline: float,
    most_steps: int | None,
    data: Path,
    output: Path,
    name: str,
    seed: int,
    device: str,
    compiled: bool,
    new: dict[str, str | None],
    shape: dict[str, int | None],
) -> None:
    """Trains until a time of the monotonic clock, and saves.

    Raises:
        MrnetError: data, weights, checkpoint or device cannot be used.
    """
    recipe, place = changed(RECIPES[name], **shape), choose_device(device)
    checkpoint, parts = output / "checkpoint.safetensors", output / "parts"
    make_output_dir(parts)
    if not checkpoint.is_file():
        join_parts(parts, checkpoint)
    network = prepared(initial(seed, **new), place, compiled=compiled)
    trainer = Trainer(network, recipe, output=output, seed=seed, device=place, amp=place.type == "cuda")
    done, arrivals = trainer.resume(), Arrivals(data, place)
    click.echo(f"step {done} of {recipe.steps}, {len(arrivals.store.tables.places)} pictures")
    speed = Speed(output / "speed.csv", arrivals, recipe, place, done)
    stream = device_batches(
        arrivals.store, recipe, seed=seed, start=done, compiled=compiled, arrive=lambda i: i % LOOK or arrivals.look()
    )
    trainer.follow(until(stream, deadline, most_steps), every=EVERY, report=speed)
    trainer.save()
    for part in split_file(checkpoint, parts, most_bytes=PART_BYTES):
        click.echo(f"{part}  {part.stat().st_size / 2**20:.1f} MiB")


def changed(recipe: Recipe, *, steps: int | None, **shape: int | None) -> Recipe:
    """The recipe with its number of steps and the shape of all its clips replaced, where they are given."""
    given: dict[str, Any] = {key: value for key, value in shape.items() if value is not None}
    return replace(recipe, steps=steps or recipe.steps, stages=tuple(replace(s, **given) for s in recipe.stages))


def initial(seed: int, *, init: str | None, preset: str | None, variant: str | None) -> MRNet:
    """The network that the first slice starts from.

    Raises:
        WeightsError: they cannot be had, or are of another variant.
    """
    torch.manual_seed(seed)
    if init not in ("imagenet", "none"):
        network = load_weights(None if init == "shipped" else Path(str(init)))
        if variant not in (None, network.config.variant):
            raise WeightsError(f"the weights of --init are of variant {network.config.variant}, not {variant}")
        return network
    network = MRNet(PRESETS[str(preset)].with_changes(variant=variant))
    if init == "imagenet":
        network.encoder.load_imagenet(imagenet_weights(network.config.backbone))
    return network


def prepared(network: MRNet, device: torch.device, *, compiled: bool) -> MRNet:
    """The network with what makes it fast."""
    if device.type == "cuda":
        # float32 products in TF32; shapes are few, so that a search for the fastest kernels pays
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    if compiled:
        # frame by frame: all frames of a clip in one graph would take minutes to compile
        network.encoder.compile(dynamic=False)
        network.decoder.compile(dynamic=False)
    return network


def until(stream: Iterator[Batch], deadline: float, most: int | None) -> Iterator[Batch]:
    """The batches that there is time for."""
    for count, batch in enumerate(stream):
        if time.monotonic() > deadline or count == most:
            return
        yield batch


class Speed:
    """Writes loss, speed and memory every few steps, and shows them."""

    def __init__(self, path: Path, arrivals: Arrivals, recipe: Recipe, device: torch.device, done: int) -> None:
        self._log, self._arrivals, self._recipe, self._device = TrainingLog(path), arrivals, recipe, device
        self._log.rewind(done)
        self._since: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        """Takes a step."""
        self._since.append(progress)
        if progress.step % ROW and progress.step != self._recipe.steps:
            return
        clips = sum(self._recipe.stage_at(one.step - 1).clips for one in self._since)
        row = {
            "step": progress.step,
            "loss": sum(one.loss for one in self._since) / len(self._since),
            "clips_per_second": clips / sum(one.seconds for one in self._since),
            "peak_memory_gib": peak_memory(self._device) / 2**30,
            "pictures": len(self._arrivals.store.tables.places),
        }
        self._since.clear()
        self._log.append(row)
        click.echo("  ".join(f"{key} {value:.6g}" for key, value in row.items()))


def peak_memory(device: torch.device) -> int:
    """Bytes: of a GPU what torch has reserved, of the CPU what the process has held."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
