"""What choosing the past frame is worth: the paper's rule beside others, and beside the best choice in hindsight.

    python benchmarks/ranking.py --data DATA --runs RUNS

Segments DAVIS-2016 val with the same weights, and changes only which past frame guides the current one: the rule, or
the candidates that it chooses from. Masks are kept below RUNS and not made twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from shared import RESULTS, data_option
from torch import Tensor
from torch.nn import functional

from mrnet_cli.data.davis import load_davis, load_object_mask
from mrnet_cli.data.files import make_output_dir, write_text_atomically
from mrnet_cli.data.rows import csv_text, markdown_table, percent
from mrnet_cli.environment import environment_of
from mrnet_cli.evaluation.comparison import compare
from mrnet_cli.evaluation.comparison_tables import better_text, difference_text, wins_text
from mrnet_cli.evaluation.protocol import DAVIS_2016
from mrnet_cli.evaluation.runner import Evaluation, evaluate_all
from mrnet_cli.inference.geometry import Geometry
from mrnet_cli.inference.jobs import Job, davis_jobs
from mrnet_cli.inference.pipeline import predict_job
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.backbone import Features
from mrnet_cli.models.config import MultiObject, Similarity
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.ranking import Ranking, matching_key, rank_masks, similarity_maps
from mrnet_cli.models.schedule import past_frames
from mrnet_cli.models.weights import load_weights

RULES = {
    "ranked": "the paper's rule: the largest averageV (Eq. 4)",
    "latest": "always the most recent candidate",
    "reference": "always the first frame",
    "random": "any candidate, by a seeded draw",
    "dot": "ranked by the dot product, guided by the cosine",
    "euclidean": "ranked by the negative distance, guided by the cosine",
    "best": "in hindsight: each candidate is tried, and the one that gives the frame the best J stays",
    "ranked, all": "ranked among every n-th frame of the whole past",
    "ranked, unlike": "ranked among the k frames of those that are least alike under their masks, and the first",
    "best, all": "in hindsight, among every n-th frame of the whole past",
}
CHOICES = "choices.csv"
# reaches back to the start of every sequence
EVERY = 40


class Guided(MRNet):
    """The network with another rule for the past frame that guides the current one, for videos of one object.

    All frames n apart are its candidates, of which a rule may look at those of Table 1 alone.

    Attributes:
        rule: one of :data:`RULES`.
        k: of Table 1.
        truths: H' W' of every frame, at the size of the network's input.
        choices: of the video so far: frame, how many frames back the chosen candidate lies, and how far the ranked one.
    """

    rule = "ranked"
    k: int
    truths: Sequence[NDArray[np.bool_]]
    choices: list[tuple[int, int, int]]

    def begin(self, truths: Sequence[NDArray[np.bool_]], *, seed: int) -> None:
        """Takes a new video."""
        self.truths, self.choices = truths, []
        self._random = np.random.default_rng(seed)

    def key(self, features: Features) -> Tensor:
        """The features themselves, for every measure."""
        return features.f32

    def rank(
        self,
        current_key: Tensor,
        past_keys: Tensor,
        past_masks: Tensor,
        groups: Tensor,
        multi_object: MultiObject | None = None,
    ) -> Ranking:
        """Notes what each rule would choose, for :meth:`decode`."""
        t = len(self.choices) + 1
        self._frames = past_frames(t, self.config.k, self.config.n)
        near = [self._frames.index(frame) for frame in past_frames(t, self.k, self.config.n)]
        every = list(range(len(self._frames)))

        def first(candidates: list[int], measure: Similarity = "cosine") -> int:
            keys = torch.stack([matching_key(past_keys[index], measure) for index in candidates])
            masks = past_masks[candidates]
            maps = similarity_maps(matching_key(current_key, measure), keys, masks, measure)
            return candidates[int(rank_masks(maps, masks, groups, "average").chosen)]

        unit = torch.stack([matching_key(key, "cosine") for key in past_keys])
        self._maps = similarity_maps(matching_key(current_key, "cosine"), unit, past_masks, "cosine")
        self._masks, self._near, self._ranked = past_masks, near, first(near)
        rules: dict[str, Callable[[], int]] = {
            "ranked": lambda: self._ranked,
            "latest": lambda: near[-1],
            "reference": lambda: 0,
            "random": lambda: near[int(self._random.integers(len(near)))],
            "dot": lambda: first(near, "dot"),
            "euclidean": lambda: first(near, "euclidean"),
            "ranked, all": lambda: first(every),
            "ranked, unlike": lambda: first(least_alike(unit, past_masks, self.k)),
        }
        # in hindsight there is nothing to choose before the masks are there
        self._chosen = rules[self.rule]() if self.rule in rules else self._ranked
        return rank_masks(self._maps, past_masks, groups, "average")

    def decode(
        self, current: Features, reference: Tensor, ranking: Ranking | None, found: Tensor | None = None
    ) -> Tensor:
        """The logit with the candidate that the rule chooses."""
        assert ranking is not None
        t = len(self.choices) + 1

        def logit(index: int) -> Tensor:
            guide = ranking._replace(similarity=self._maps[index], mask=self._masks[index])
            return super(Guided, self).decode(current, reference, guide, found)

        chosen = self._chosen
        if self.rule.startswith("best"):
            tried = self._near if self.rule == "best" else range(len(self._frames))
            # of equal ones the ranked, so that the rule is not blamed for ties
            chosen = max(tried, key=lambda index: (self._region(logit(index), t), index == self._ranked))
        self.choices.append((t, t - self._frames[chosen], t - self._frames[self._ranked]))
        return logit(chosen)

    def _region(self, logit: Tensor, t: int) -> float:
        predicted, true = (logit[0, 0] > 0).numpy(), self.truths[t]
        union = np.count_nonzero(predicted | true)
        return np.count_nonzero(predicted & true) / union if union else 1.0


def least_alike(keys: Tensor, masks: Tensor, k: int) -> list[int]:
    """The first frame, and k others whose objects are least like those taken before, one after the other.

    Args:
        keys: K 1 C h w, unit vectors.
        masks: K 1 1 h w; frames whose mask is empty are not taken.
        k: others, where there are as many.

    Returns:
        In order.
    """
    seen = functional.normalize((keys * masks).sum(dim=(1, 3, 4)), dim=1)
    left = {index for index in range(1, len(keys)) if masks[index].any()}
    taken = [0]
    while left and len(taken) <= k:
        alike = {index: float((seen[taken] @ seen[index]).max()) for index in left}
        taken.append(min(left, key=lambda index: (alike[index], -index)))
        left.discard(taken[-1])
    return sorted(taken)


@click.command()
@data_option("DAVIS")
@click.option("--runs", type=click.Path(path_type=Path), required=True, help="Folder for masks.")
@click.option("--size", type=click.IntRange(min=0), help="As of mrnet predict.")
@click.option("--sequences", help="Comma-separated names  [default: all]")
def main(data: Path, runs: Path, size: int | None, sequences: str | None) -> None:
    """Runs what is missing and writes results/ranking.md."""
    davis = data / "DAVIS"
    names = sequences.split(",") if sequences else None
    found = load_davis(davis, year=2016, split="val", sequences=names)
    annotations = {sequence.name: sequence.annotations for sequence in found}
    jobs = davis_jobs(davis, year=2016, split="val", sequences=names)
    shipped = load_weights()
    network = Guided(shipped.config.with_changes(k=EVERY))
    network.k = shipped.config.k
    network.load_state_dict(shipped.state_dict())
    # this very network, since it is told things between the frames; of whole frames, as the true masks it is told are
    segmenter = Segmenter(network, size=size, zoom=1, optimise=False)
    for rule in RULES:
        network.rule = rule
        for seed, job in enumerate(jobs):
            if not (runs / rule / job.name / CHOICES).is_file():
                network.begin(truths_of(annotations[job.name], job, segmenter.config.size), seed=seed)
                segment(segmenter, network, job, runs / rule)
        click.echo(f"{rule}: done")
    evaluations = evaluate_all(found, [runs / rule for rule in RULES], protocol=DAVIS_2016, workers=1)
    write_text_atomically(RESULTS / "ranking.md", page(evaluations, jobs, runs, segmenter, k=network.k, names=names))


def truths_of(annotations: Sequence[Path], job: Job, size: int) -> list[NDArray[np.bool_]]:
    """The annotations at the size of the network's input."""
    geometry = Geometry.of(job.mask.shape[0], job.mask.shape[1], size)
    return [(geometry.masks(load_object_mask(path, 2016), [1])[0, 0] > 0.5).numpy() for path in annotations]


def segment(segmenter: Segmenter, network: Guided, job: Job, output: Path) -> None:
    """Writes the masks of a video and, when all are there, what was chosen."""
    make_output_dir(output)
    predict_job(segmenter, job, output, on_frame=lambda _: None)
    columns = ("frame", "chosen_back", "ranked_back")
    write_text_atomically(output / job.name / CHOICES, csv_text(columns, network.choices))


def page(
    evaluations: list[Evaluation], jobs: list[Job], runs: Path, segmenter: Segmenter, *, k: int, names: list[str] | None
) -> str:
    """Scores, paired differences and what was chosen, in Markdown."""
    by_rule = dict(zip(RULES, evaluations, strict=True))
    rows = []
    for rule, one in by_rule.items():
        cells = [rule, RULES[rule], percent(one.j.mean), percent(one.f.mean), percent(one.jf)]
        if rule == "ranked":
            rows.append((*cells, "", "", ""))
            continue
        against = compare(one, by_rule["ranked"])
        (jf,) = (at for at in against.differences if at.metric == "J&F")
        rows.append((*cells, difference_text(jf), better_text(jf), wins_text(against)))
    where = environment_of(torch.device("cpu"))
    config = segmenter.config
    options = "" if config.size == load_weights().config.size else f" --size {config.size}"
    if names:
        options += f" --sequences {','.join(names)}"
    return "\n".join(
        [
            "# What choosing the past frame is worth (measured)",
            "",
            f"    python benchmarks/ranking.py --data DATA --runs RUNS{options}",
            "",
            f"DAVIS-2016 val, {len(jobs)} sequences, shipped weights, k = {k}, n = {config.n}, short side "
            f"{config.size}. Only the past frame that guides",
            "a frame differs; the network was trained with the paper's rule. Differences are of J&F against `ranked`,",
            "in percentage points, with paired 95% bootstrap intervals over sequences.",
            f"On {where.machine}, {where.versions}.",
            "",
            *markdown_table(("rule", "", "J", "F", "J&F", "against ranked", "better", "wins"), rows),
            "",
            *chosen_lines(jobs, runs),
            "",
        ]
    )


def chosen_lines(jobs: list[Job], runs: Path) -> list[str]:
    """How far back the chosen frames lie, where there is a choice of more than one."""
    lines = ["How often a frame was chosen by how far back it lies, in frames with at least two candidates:", ""]
    rows = []
    for rule in ("ranked", "best"):
        read = [np.loadtxt(runs / rule / job.name / CHOICES, delimiter=",", skiprows=1, dtype=int) for job in jobs]
        picked = np.concatenate([choices[choices[:, 0] > 5] for choices in read])
        back = Counter("the first frame" if c == t else str(c) for t, c, _ in picked.tolist())
        total = sum(back.values())
        rows.append((rule, *(f"{100 * back[key] / total:.0f}%" for key in ("5", "10", "15", "20", "the first frame"))))
        agreed = 100 * float(np.mean(picked[:, 1] == picked[:, 2]))
    lines += markdown_table(("rule", "5 back", "10", "15", "20", "the first frame"), rows)
    return [*lines, "", f"In hindsight the ranked candidate was the best one in {agreed:.0f}% of these frames."]


if __name__ == "__main__":
    main()
