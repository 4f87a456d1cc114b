"""What two parts of one training must agree on: all that its numbers depend on but for rounding.

Processes, ``accumulate``, ``recompute`` and the device are not in it: a training may be taken up on other machines. The
initial weights are not either, since a checkpoint holds what became of them.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from mrnet_cli.models.config import ModelConfig
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.recipe import Recipe

# a name and its value, as JSON and dataclasses show them
_SETTING = re.compile(r'(\w+)(?:": |=)("[^"]*"|\[[^]]*\]|\([\d., ]*\)|[^\s,()}]+)')


def identity(config: ModelConfig, recipe: Recipe, *, seed: int, amp: bool, data: str = "") -> str:
    """One line of text.

    Args:
        config: of the network.
        recipe: of the training.
        seed: of the clips.
        amp: bfloat16 autocast.
        data: from :func:`digest`.
    """
    return f"{config.to_json()} {recipe!r} seed={seed} amp={amp}" + (f" data={data}" if data else "")


def settings(identity: str) -> dict[str, str]:
    """What an identity holds, by name; of the stages of a recipe all values.

    >>> settings('{"k": 4} Recipe(stages=(Stage(clips=2), Stage(clips=1)), targets=(0.7, 0.3)) seed=0 data=a7')
    {'k': '4', 'clips': '2, 1', 'targets': '(0.7, 0.3)', 'seed': '0', 'data_sha256': 'a7'}
    """
    found: dict[str, list[str]] = {}
    for name, value in _SETTING.findall(identity):
        found.setdefault("data_sha256" if name == "data" else name, []).append(value.strip('"'))
    return {name: ", ".join(values) for name, values in found.items()}


def digest(sources: Sources) -> str:
    """Names of all pictures and masks, sizes of pictures and content of masks; where they lie does not matter."""
    seen = hashlib.sha256()
    for video in (*sources.videos, sources.stills):
        seen.update(f"{len(video)} pictures\n".encode())
        for files in video:
            names = f"{_name(files.image)} {files.image.stat().st_size} {_name(files.mask)} {files.binary}\n"
            seen.update(names.encode(errors="backslashreplace"))
            seen.update(files.mask.read_bytes())
    return seen.hexdigest()[:16]


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
