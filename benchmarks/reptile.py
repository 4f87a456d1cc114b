"""Whether weights can be prepared for adaptation: after Reptile, do 10 steps on a first frame what 60 do without?

    python benchmarks/reptile.py --data DATA --weights WEIGHTS --runs RUNS

Reptile (Nichol, Achiam and Schulman, 2018) is first-order meta-learning: the weights are fitted to one video after the
other, as they are at test time, and each time drawn some of the way to where the fitting has led. DATA holds ``DAVIS``
(2016 train, 384p) and ``static`` (stills); WEIGHTS are of a training that held out the videos of ``HELD_OUT``, such as
the first of ``benchmarks/study.py``. Beside them stand the same weights after as many steps of usual training. What is
made is kept below RUNS and not made twice, so that the study can be stopped and taken up again.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
import torch
from adaptation import LINES, Outcome, Variant, mean, measured, shortened
from shared import HELD_OUT, RESULTS, data_option

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.rows import markdown_table
from mrnet_cli.environment import environment_of
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights, read_notes, save_weights
from mrnet_cli.training.adaptation.adapter import Adaptation
from mrnet_cli.training.adaptation.clips import scene_clip
from mrnet_cli.training.adaptation.scene import Scene, take_apart
from mrnet_cli.training.batches import Batch, batch_of, draw_damage
from mrnet_cli.training.clips import Sources, make_clip
from mrnet_cli.training.descent import Descent
from mrnet_cli.training.loop import ClipLoss, Trainer
from mrnet_cli.training.ranks import Ranks
from mrnet_cli.training.recipe import RECIPES, Stage
from mrnet_cli.training.sources import PictureFiles, davis_videos, stills
from mrnet_cli.training.validation import held_out_videos, without

RESOLUTION = "384p"
CPU = torch.device("cpu")
# at the full rate from the first step on, for there are few
FEW = Adaptation(10, lines=LINES, warm_up=1, clips=0)
MANY = Adaptation(60, lines=LINES)
VARIANTS = (Variant("no adaptation", None), Variant("10 steps", FEW), Variant("60 steps", MANY))
# steps of a task on clips of the video that its frame is of, after those on clips of the frame: what is learned of the
# frame shall hold for the video
LATER = 5
# how far the weights are drawn to where a task has led, at first; less from task to task
PULL = 0.5


@dataclass(frozen=True)
class Tasks:
    """Videos to fit to.

    Attributes:
        videos: one object each.
        count: of tasks, each of which picks a video.
    """

    videos: tuple[tuple[PictureFiles, ...], ...]
    count: int

    @property
    def steps(self) -> int:
        """Of the optimiser, over all tasks."""
        return self.count * (FEW.steps + LATER)

    def batches(self, number: int) -> Iterator[Batch]:
        """What a task fits to: clips of a frame, then clips of its video."""
        rng = np.random.default_rng([0, number])
        video = self.videos[int(rng.integers(len(self.videos)))]
        first = video[int(rng.integers(len(video)))].read()
        scene = take_apart(first.image, first.ids, lines=LINES)
        for step in range(FEW.steps + LATER):
            clip = scene_clip(rng, scene, frames=FEW.frames, most=1) if step < FEW.steps else None
            if clip is None:
                clip = make_clip(rng, Sources((video,), ()), stage_of(scene), targets=(1.0,))
            yield batch_of([clip], draw_damage(rng, FEW.frames, FEW.degraded))


def stage_of(scene: Scene) -> Stage:
    """Clips of a video, as large and as long as those of its frame."""
    return Stage(share=1, height=scene.size[0], width=scene.size[1], clips=1, frames=FEW.frames, video=1, gap=10)


@click.command()
@data_option("DAVIS and static")
@click.option("--weights", type=click.Path(path_type=Path), required=True, help="That never saw the videos.")
@click.option("--runs", type=click.Path(path_type=Path), required=True, help="Folder for weights and scores.")
@click.option("--tasks", "count", default=40, show_default=True, help="Videos that Reptile fits to, one by one.")
@click.option("--frames", default=40, show_default=True, help="Of each held-out video, at most.")
def main(data: Path, weights: Path, runs: Path, count: int, frames: int) -> None:
    """Runs what is missing of the study and writes results/reptile.md."""
    videos = without(davis_videos(data / "DAVIS", resolution=RESOLUTION), HELD_OUT)
    tasks = Tasks(videos, count)
    starts = {
        "as they were": weights,
        "after Reptile": prepared(weights, runs / "reptile", tasks),
        "after usual training": trained_on(weights, runs / "usual", Sources(videos, stills(data / "static")), tasks),
    }
    held_out = [shortened(one, frames) for one in held_out_videos(data / "DAVIS", HELD_OUT, resolution=RESOLUTION)]
    found = {
        (start, variant.name): [measured(runs / start.replace(" ", "-"), variant, one, file) for one in held_out]
        for start, file in starts.items()
        for variant in VARIANTS
    }
    write_text_atomically(RESULTS / "reptile.md", page(found, weights, tasks, frames))


def prepared(weights: Path, output: Path, tasks: Tasks) -> Path:
    """The weights after Reptile, which goes on where it stopped."""
    file = output / "weights.safetensors"
    output.mkdir(parents=True, exist_ok=True)
    done = int(read_notes(file)["tasks"]) if file.is_file() else 0
    network = load_weights(file if done else weights)
    for number in range(done, tasks.count):
        network = mean(network, fitted(network, tasks.batches(number)), PULL * (1 - number / tasks.count))
        save_weights(file, network, notes={"tasks": str(number + 1)}, dtype=torch.float32)
    return file


def fitted(network: MRNet, batches: Iterator[Batch]) -> MRNet:
    """A copy of a network after a step on each batch, with the rates that few steps have at test time."""
    copied = copy.deepcopy(network).train()
    recipe = replace(FEW.recipe(LINES, LINES), steps=FEW.steps + LATER)
    descent = Descent(copied, ClipLoss(copied), recipe, device=CPU, amp=False, accumulate=1, ranks=Ranks())
    for step, batch in enumerate(batches):
        descent.step(batch, recipe.rate_factor(step))
    return copied


def trained_on(weights: Path, output: Path, sources: Sources, tasks: Tasks) -> Path:
    """The weights after as many steps of usual training on clips of the same shape."""
    output.mkdir(parents=True, exist_ok=True)
    usual = RECIPES["lite"]
    stage = Stage(share=1, height=192, width=352, clips=1, frames=FEW.frames, video=0.6, gap=10)
    recipe = replace(
        usual,
        stages=(stage,),
        steps=tasks.steps,
        decoder_rate=usual.decoder_rate / 2,
        backbone_rate=usual.backbone_rate / 2,
        warm_up=30,
        average=0.98,
    )
    trainer = Trainer(load_weights(weights), recipe, output=output, seed=0, device=CPU, amp=False)
    trainer.resume()
    trainer.run(sources, workers=0, every=50, report=lambda _: None)
    return output / "weights.safetensors"


def page(found: dict[tuple[str, str], list[Outcome]], weights: Path, tasks: Tasks, frames: int) -> str:
    """The study in Markdown."""
    rows = [
        (
            start,
            steps,
            f"{np.mean([one.both for one in outcomes]):.1f}",
            *(f"{one.both:.1f}" for one in outcomes),
        )
        for (start, steps), outcomes in found.items()
    ]
    table = "\n".join(markdown_table(("weights", "adaptation", "J&F", *HELD_OUT), rows))
    where = environment_of(CPU)
    return f"""# Whether weights can be prepared for adaptation (measured)

    python benchmarks/reptile.py --data DATA --weights WEIGHTS --runs RUNS

The weights are `{weights.parent.name}` of `study.md`: 300 steps, the videos below held out. Reptile fits them to a
frame of a train video ({FEW.steps} steps) and to clips of that video ({LATER} more), draws them towards where
this has led (by {PULL} at first, falling evenly to 0), and so on for {tasks.count} frames. Usual training takes as
many steps ({tasks.steps}) at half the rates of the recipe, on clips of the same shape. 10 steps of adaptation begin
at the full rate and keep the last weights; 60 steps are those of `adaptation.md`. Clips have {LINES} lines; J&F in
percent, over the first {frames} frames of each video, one seed.

{table}

On {where.machine}, {torch.get_num_threads()} thread, {where.versions}.
"""


if __name__ == "__main__":
    main()
