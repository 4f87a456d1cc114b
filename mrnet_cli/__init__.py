"""Scoring and running semi-supervised video object segmentation: MRNet and the DAVIS protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mrnet_cli.api import evaluate as evaluate
    from mrnet_cli.inference.segmenter import Segmenter as Segmenter

__version__ = "0.1.0"
__all__ = ["Segmenter", "__version__", "evaluate"]

_PLACES = {"Segmenter": "mrnet_cli.inference.segmenter", "evaluate": "mrnet_cli.api"}


def __getattr__(name: str) -> object:
    # imported when asked for: scoring needs no torch, and `mrnet --help` neither
    if name not in _PLACES:
        raise AttributeError(f"module 'mrnet_cli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
