"""The exported files in onnxruntime against the optimised network in both of its precisions, on the CPU.

    python benchmarks/onnx_speed.py --output results/onnx.md

Encoder, matching with ranking over the reference and k past frames, decoder and soft aggregation, by wall clock: the
machine should be idle. The ways take turns.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click
import onnxruntime
import torch
from torch import Tensor

from mrnet_cli.allocator import keep_freed_memory
from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.rows import Row, markdown_table
from mrnet_cli.environment import environment_of
from mrnet_cli.export.onnx_files import export, open_session
from mrnet_cli.models.aggregation import soft_aggregation
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.optimised import optimised
from mrnet_cli.models.weights import load_weights

OBJECTS = (1, 3)


@click.command()
@click.option("--height", default=352, show_default=True, help="Of the network's input.")
@click.option("--width", default=640, show_default=True, help="Likewise.")
@click.option("--threads", default="1,2", show_default=True, help="Of each way; comma-separated.")
@click.option("--repeats", default=15, show_default=True, help="Of each way, in turns.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Page to write.")
def main(height: int, width: int, threads: str, repeats: int, output: Path) -> None:
    """Times one frame of a video by three ways."""
    # as the segmenter does
    keep_freed_memory()
    network = load_weights()
    full, half = (optimised(network, torch.device("cpu"), dtype) for dtype in (torch.float32, torch.bfloat16))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        export(network, Path(folder))
        for count in map(int, threads.split(",")):
            torch.set_num_threads(count)
            sessions = {path.stem: open_session(path.read_bytes()) for path in Path(folder).glob("*.onnx")}
            for objects in OBJECTS:
                inputs = _inputs(full, objects, height, width)
                ways = (
                    partial(_by_torch, full, *inputs),
                    partial(_by_torch, half, *(part.to(torch.bfloat16) for part in inputs)),
                    partial(_by_onnx, sessions, *inputs),
                )
                rows.append((count, objects, *(f"{1000 * seconds:.1f}" for seconds in _medians(ways, repeats))))
    environment = environment_of(torch.device("cpu"))
    command = f"python benchmarks/onnx_speed.py --threads {threads} --repeats {repeats} --output results/onnx.md"
    lines = [
        "# The exported network in onnxruntime against the optimised one (measured)",
        "",
        f"    {command}",
        "",
        f"On {environment.machine}; {environment.versions}; onnxruntime {onnxruntime.__version__}.",
        "",
        f"`lite`, {height}x{width}, {network.config.k + 1} candidates: encoder, matching with ranking, decoder, soft "
        f"aggregation. Milliseconds of wall clock, the median of {repeats} runs each, in turns.",
        "",
        *markdown_table(("threads", "objects", "mrnet, fp32", "mrnet, bf16", "onnxruntime, fp32"), rows),
        "",
        "bf16 is `mrnet predict --dtype bfloat16`. The idle threads of onnxruntime's sessions do",
        "not spin here: those of three files would be in each other's way.",
        "",
    ]
    write_text_atomically(output, "\n".join(lines))
    click.echo(output.read_text())


def _inputs(network: MRNet, objects: int, height: int, width: int) -> tuple[Tensor, ...]:
    """Image, mask, past keys and past masks."""
    generator = torch.Generator().manual_seed(0)
    channels, candidates = network.encoder.channels[-1], network.config.k + 1
    shapes = (
        (objects, 3, height, width),
        (objects, 1, height, width),
        (candidates, objects, channels, height // 32, width // 32),
        (candidates, objects, 1, height // 32, width // 32),
    )
    return tuple(torch.rand(shape, generator=generator) for shape in shapes)


@torch.inference_mode()
def _by_torch(network: MRNet, image: Tensor, mask: Tensor, keys: Tensor, masks: Tensor) -> None:
    groups = torch.zeros(len(image), dtype=torch.long)
    features = network.encode(image, mask)
    ranking = network.rank(network.key(features), keys, masks, groups)
    soft_aggregation(network.decode(features, features.f32, ranking), groups, count=1)


def _by_onnx(
    sessions: dict[str, onnxruntime.InferenceSession], image: Tensor, mask: Tensor, keys: Tensor, masks: Tensor
) -> None:
    encoded = sessions["encoder"].run(None, {"image": image.numpy(), "mask": mask.numpy()})
    features = dict(zip(("f4", "f8", "f16", "f32", "key"), encoded, strict=False))
    ranked = sessions["matching"].run(
        None, {"key": features.pop("key"), "past_keys": keys.numpy(), "past_masks": masks.numpy()}
    )
    guides = dict(zip(("similarity", "chosen_mask"), ranked, strict=False))
    sessions["decoder"].run(None, {**features, "reference": features["f32"], **guides})


def _medians(ways: Sequence[Callable[[], None]], repeats: int) -> list[float]:
    """Seconds of each; the first three turns warm up."""
    seconds: list[list[float]] = [[] for _ in ways]
    for turn in range(repeats + 3):
        for way, taken in zip(ways, seconds, strict=True):
            started = time.perf_counter()
            way()
            if turn >= 3:
                taken.append(time.perf_counter() - started)
    return [statistics.median(taken) for taken in seconds]


if __name__ == "__main__":
    main()
