"""``mrnet info``: what is installed, on what machine, with what weights."""

from __future__ import annotations

import hashlib
from importlib import metadata, util

import click
import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mrnet_cli.data.rows import counted
from mrnet_cli.environment import environment_of
from mrnet_cli.inference.segmenter import choose_device
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.weights import load_weights, shipped_weights

PACKAGES = ("torchvision", "timm", "numpy", "opencv-python", "scikit-image", "av")
# of each extra a module that tells whether it is there
EXTRAS = {"train": "tensorboard", "onnx": "onnxruntime", "peers": "cutie", "ray": "ray", "docs": "mkdocs"}


@click.command(epilog="Example:  mrnet info")
def info() -> None:
    """Tells versions, devices, threads and weights: what to put into a report of a problem."""
    device = choose_device()
    where = environment_of(device)
    weights, network = shipped_weights(), load_weights()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    config = network.config
    rows = [
        ("mrnet", f"{where.mrnet}{f', commit {where.commit}' if where.commit else ''}"),
        ("Python", f"{where.python}, {where.system}"),
        ("machine", f"{where.machine}; {counted(torch.get_num_threads(), 'thread')}, computes on {device}"),
        ("torch", where.torch),
        ("weights", f"{weights.name}, sha256 {hashlib.sha256(weights.read_bytes()).hexdigest()[:12]}"),
        ("network", f"{config.backbone}, {parameters / 1e6:.1f} M parameters, k = {config.k}, n = {config.n}"),
        ("frames", _seen(config)),
        ("packages", ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)),
        ("extras", ", ".join(f"{name}: {_state(module)}" for name, module in EXTRAS.items())),
    ]
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name, style="bold"), Text(value))
    Console().print(table)


def _seen(config: ModelConfig) -> str:
    scaled = f"scaled to a short side of {config.size}" if config.size else "as they are"
    return f"{scaled}, small objects up to {config.zoom:g} times nearer" if config.zoom > 1 else scaled


def _state(module: str) -> str:
    return "installed" if util.find_spec(module) else "not installed"
