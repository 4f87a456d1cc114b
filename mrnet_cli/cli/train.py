"""``mrnet train``: the paper's training, or that of the shipped weights."""

from __future__ import annotations

from pathlib import Path

import click

from mrnet_cli.cli.options import GroupedCommand, comma_separated, device_option, path
from mrnet_cli.cli.output import hold_output
from mrnet_cli.cli.train_options import (
    NETWORK_OPTIONS,
    NetworkChoice,
    RecipeChoice,
    count,
    network_options,
    recipe_options,
)
from mrnet_cli.cli.train_screen import show_rehearsal, watching
from mrnet_cli.data.files import check_output_dir
from mrnet_cli.models.determinism import compute_deterministically
from mrnet_cli.training.board import check_tensorboard
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.identity import digest
from mrnet_cli.training.initial import initial_network
from mrnet_cli.training.inspection import check_sources
from mrnet_cli.training.loop import Hook, Trainer
from mrnet_cli.training.pictures import Pictures
from mrnet_cli.training.ranks import join_ranks
from mrnet_cli.training.rehearsal import rehearse
from mrnet_cli.training.sources import davis_videos, stills, train_resolution
from mrnet_cli.training.validation import HeldOut, Validation, held_out_videos, without

GROUPS = {
    "Network and recipe": [*NETWORK_OPTIONS, "init", "steps", "rate", "clips", "seed"],
    "Data": ["davis", "resolution", "stills_dir", "video", "degraded", "hold_out", "workers"],
    "Computing": ["device", "amp", "accumulate", "checkpoint_activations", "deterministic"],
    "Watching": ["validate_every", "pictures_every", "tensorboard", "dry_run"],
    "Output": ["output", "checkpoint_every", "resume"],
}

EPILOG = """\b
Examples:
  What it would take, without writing anything:
    mrnet train --preset lite --davis DAVIS --stills STILLS --dry-run \\
      --output RUN
  With validation on two sequences that are not trained on:
    mrnet train --preset lite --davis DAVIS --stills STILLS --output RUN \\
      --hold-out bear,elephant --validate-every 500
  On four GPUs, each taking two of eight clips:
    torchrun --nproc-per-node 4 -m mrnet_cli train --preset paper \\
      --davis DAVIS --clips 8 --amp --output RUN
"""


@click.command(cls=GroupedCommand, groups=GROUPS, epilog=EPILOG)
@network_options
@click.option("--init", default="imagenet", show_default=True, help="imagenet, none, or a weights file to start from.")
@recipe_options
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of clips and initial weights."
)
@click.option("--davis", type=path, required=True, help="DAVIS root; the train split of 2016 is used.")
@click.option(
    "--resolution",
    help="Folder below JPEGImages and Annotations  [default: 480p, or the one that holds the sequences]",
)
@click.option("--stills", "stills_dir", type=path, help="Folder of images/ and masks/ to make clips from.")
@click.option("--hold-out", help="Comma-separated train sequences that are validated on and never trained on.")
@click.option(
    "--workers", type=click.IntRange(min=0), default=1, show_default=True, help="Processes that make clips, per GPU."
)
@device_option
@click.option("--amp", is_flag=True, help="bfloat16 autocast.")
@click.option(
    "--accumulate",
    type=count,
    default=1,
    show_default=True,
    help="Parts that a batch is computed in, one after the other: less memory for the same gradient.",
)
@click.option(
    "--checkpoint-activations",
    is_flag=True,
    help="Compute each frame again in the backward pass: memory for long clips at the price of time.",
)
@click.option("--validate-every", type=count, help="Steps between validations  [default: the last step alone]")
@click.option("--pictures-every", type=count, help="Steps between pictures of a clip and its masks  [default: none]")
@click.option("--tensorboard", is_flag=True, help="Also log for TensorBoard, below tensorboard/.")
@click.option("--deterministic", is_flag=True, help="On a GPU, the same weights run after run; slower.")
@click.option("--dry-run", is_flag=True, help="Take a few steps of each stage, tell time and memory, write nothing.")
@click.option("--output", type=path, required=True, help="Folder for checkpoint, weights and logs.")
@click.option("--checkpoint-every", type=count, default=100, show_default=True, help="Steps between checkpoints.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the output folder.")
def train(
    chosen: NetworkChoice,
    init: str,
    asked: RecipeChoice,
    seed: int,
    davis: Path,
    resolution: str | None,
    stills_dir: Path | None,
    hold_out: str | None,
    workers: int,
    device: str,
    amp: bool,
    accumulate: int,
    checkpoint_activations: bool,
    validate_every: int | None,
    pictures_every: int | None,
    tensorboard: bool,
    deterministic: bool,
    dry_run: bool,
    output: Path,
    checkpoint_every: int,
    resume: bool,
) -> None:
    """Trains a preset on videos and stills with masks.

    With torchrun, several processes share each batch and give the weights that one would.
    """
    _check_output(output, init, fresh=not resume and not dry_run)
    if asked.video is not None and asked.video < 1 and stills_dir is None:
        raise click.UsageError("--video below 1 needs --stills: the rest of the clips are made from them")
    if validate_every and hold_out is None:
        raise click.UsageError("--validate-every needs sequences to validate on: name them with --hold-out")
    if tensorboard:
        check_tensorboard()
    if deterministic:
        compute_deterministically()
    recipe = asked.recipe(chosen.preset)
    sources, held_out = _data(davis, resolution or train_resolution(davis), stills_dir, comma_separated(hold_out))
    check_sources(sources, recipe)
    with join_ranks(device) as (place, ranks):
        network = initial_network(chosen.config(), init, seed=seed)
        network.recompute = checkpoint_activations
        trainer = Trainer(
            network,
            recipe,
            output=output,
            seed=seed,
            device=place,
            amp=amp,
            accumulate=accumulate,
            ranks=ranks,
            data=digest(sources),
        )
        if dry_run:
            rehearsed = rehearse(trainer, sources, workers=workers)
            if ranks.first:
                show_rehearsal(trainer, rehearsed, with_stills=bool(sources.stills))
            return
        if ranks.first:
            hold_output(output)
            # another may have trained here while the data were looked through
            _check_output(output, init, fresh=not resume)
        done = trainer.resume() if resume else 0
        with watching(trainer, output, done=done, tensorboard=tensorboard) as (report, validated):
            hooks: list[Hook] = []
            if held_out and ranks.first:
                hooks.append(Validation(held_out, output, every=validate_every, done=done, tell=validated))
            if pictures_every and ranks.first:
                hooks.append(Pictures(output / "pictures", every=pictures_every))
            trainer.run(sources, workers=workers, every=checkpoint_every, report=report, hooks=hooks)
        if ranks.first:
            click.echo(f"trained {recipe.steps} steps: {output / 'weights.safetensors'}")


def _check_output(output: Path, init: str, *, fresh: bool) -> None:
    """Refuses to write over what another training left, or over what this one begins with."""
    check_output_dir(output)
    if fresh and (output / "checkpoint.safetensors").exists():
        raise click.UsageError(f"{output} holds a training already: go on with --resume, or choose another folder")
    made = [output / name for name in ("weights.safetensors", "best.safetensors", "validation.csv")]
    if fresh and (there := [path.name for path in made if path.exists()]):
        raise click.UsageError(f"{output} holds {', '.join(there)} of another training: choose another folder")
    if Path(init).resolve() in [path.resolve() for path in made]:
        raise click.UsageError(f"--init {init} would be written over: choose another folder for --output")


def _data(
    davis: Path, resolution: str, stills_dir: Path | None, hold_out: list[str] | None
) -> tuple[Sources, list[HeldOut]]:
    held_out = [] if hold_out is None else held_out_videos(davis, hold_out, resolution=resolution)
    videos = without(davis_videos(davis, resolution=resolution), hold_out or [])
    if not videos and stills_dir is None:
        raise click.UsageError("--hold-out leaves no sequence to train on: name fewer, or give --stills")
    return Sources(videos, stills(stills_dir) if stills_dir else ()), held_out
