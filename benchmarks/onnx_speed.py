"""The exported files in onnxruntime against the optimised network, on the CPU.

    python benchmarks/onnx_speed.py --output results/onnx.md

Encoder, matching with ranking over the reference and k past frames, decoder and soft aggregation. Both ways take turns,
and the least processor time of each is what counts, since other work on the machine only ever adds.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import onnxruntime
import torch
from torch import Tensor

from mrnet_cli.allocator import keep_freed_memory
from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.rows import markdown_table
from mrnet_cli.export.onnx_files import export
from mrnet_cli.models.aggregation import soft_aggregation
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.optimised import optimised
from mrnet_cli.models.weights import load_weights
from mrnet_cli.speed.environment import environment_of

OBJECTS = (1, 3)


@click.command()
@click.option("--height", default=352, show_default=True, help="Of the network's input.")
@click.option("--width", default=640, show_default=True, help="Likewise.")
@click.option("--threads", default=1, show_default=True, help="Of both.")
@click.option("--repeats", default=15, show_default=True, help="Of each, in turns.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Page to write.")
def main(height: int, width: int, threads: int, repeats: int, output: Path) -> None:
    """Times one frame of a video by both ways."""
    torch.set_num_threads(threads)
    # as the segmenter does
    keep_freed_memory()
    network = load_weights()
    fast = optimised(network, torch.device("cpu"), torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        export(network, Path(folder))
        sessions = {path.stem: _session(path, threads) for path in Path(folder).glob("*.onnx")}
    rows = []
    for objects in OBJECTS:
        inputs = _inputs(fast, objects, height, width)
        mine, theirs = _least(partial(_by_torch, fast, *inputs), partial(_by_onnx, sessions, *inputs), repeats)
        rows.append((objects, f"{1000 * mine:.1f}", f"{1000 * theirs:.1f}", f"{theirs / mine:.2f}"))
    environment = environment_of(torch.device("cpu"))
    command = f"python benchmarks/onnx_speed.py --threads {threads} --repeats {repeats} --output results/onnx.md"
    lines = [
        "# The exported network in onnxruntime against the optimised one (measured)",
        "",
        f"    {command}",
        "",
        f"On {environment.machine}, {threads} threads; {environment.versions}; onnxruntime {onnxruntime.__version__}.",
        "",
        f"`lite`, float32, {height}x{width}, {network.config.k + 1} candidates: encoder, matching with ranking, "
        f"decoder, soft aggregation. Processor time of all threads, the least of {repeats} runs each, in turns: the "
        "core was shared with other work, whose time is thus left out, but not what it pushed out of the caches.",
        "",
        *markdown_table(("objects", "optimised, ms", "onnxruntime, ms", "ratio"), rows),
        "",
        "A ratio below 1 says that onnxruntime is faster.",
        "",
    ]
    write_text_atomically(output, "\n".join(lines))
    click.echo(output.read_text())


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


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


def _least(first: Callable[[], None], second: Callable[[], None], repeats: int) -> tuple[float, float]:
    """Seconds of each at best; the first three turns warm up."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 3):
        for place, way in enumerate((first, second)):
            started = time.process_time()
            way()
            if turn >= 3:
                seconds[place].append(time.process_time() - started)
    return min(seconds[0]), min(seconds[1])


if __name__ == "__main__":
    main()
