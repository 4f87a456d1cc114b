"""ONNX files of the network, checked against PyTorch before anything is written."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mrnet_cli.data.files import make_output_dir, remove_file, write_all_atomically
from mrnet_cli.errors import ExportError
from mrnet_cli.export.graphs import AXES, PARTS, Part, parts_of
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.search import CHANNELS

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# largest difference from PyTorch, as a share of an output's largest value where that is above 1
TOLERANCE = 1e-4
CONFIG = "mrnet.json"
_OPSET = 17


@dataclass(frozen=True)
class Case:
    """What files are made or checked with: objects, candidates, H and W."""

    objects: int
    candidates: int
    height: int
    width: int


# nothing but channels is the same in any two, so that what an export took for a constant is found
_MADE = Case(2, 3, 96, 128)
CHECKED = (Case(1, 1, 64, 160), Case(3, 5, 160, 96), Case(2, 2, 32, 32))


def export(network: MRNet, output: Path) -> dict[str, float]:
    """Writes an ONNX file for each part of a network, and its configuration as ``mrnet.json``.

    Args:
        network: in evaluation mode, on the CPU, in float32.
        output: folder to write.

    Returns:
        For each file the largest difference from PyTorch, over :data:`CHECKED`.

    Raises:
        ExportError: the extra is missing, or a file differs from PyTorch; nothing is written.
        OutputError: a file cannot be written.
    """
    checked = checked_parts(parts_of(network), network)
    make_output_dir(output)
    contents = {output / f"{name}.onnx": content for name, (content, _) in checked.items()}
    config = (network.config.to_json() + "\n").encode()
    write_all_atomically({**contents, output / CONFIG: config}, first=lambda: remove_file(output / CONFIG))
    for name in PARTS:
        if name not in checked:
            # of another network, which had one
            remove_file(output / f"{name}.onnx")
    return {f"{name}.onnx": difference for name, (_, difference) in checked.items()}


def checked_parts(parts: Sequence[Part], network: MRNet) -> dict[str, tuple[bytes, float]]:
    """For each part the content of its ONNX file, and its largest difference from PyTorch.

    Args:
        parts: made of the network.
        network: as in :func:`export`.

    Raises:
        ExportError: the extra is missing, or a part differs from PyTorch.
    """
    _runtime()
    contents = {part.name: _content(part, network) for part in parts}
    found = {part.name: _difference(part, contents[part.name], network) for part in parts}
    wrong = [
        f"{name}.onnx differs from PyTorch by {value:.1e}" for name, value in found.items() if not value <= TOLERANCE
    ]
    if wrong:
        raise ExportError(f"{'; '.join(wrong)}, more than {TOLERANCE:.0e}: report this with the output of mrnet info")
    return {name: (content, found[name]) for name, content in contents.items()}


def open_session(content: bytes) -> InferenceSession:
    """An ``onnxruntime.InferenceSession`` on the CPU, of as many threads as PyTorch has.

    Args:
        content: of an ONNX file.

    Raises:
        ExportError: the extra is missing.
    """
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # threads that wait for this session's next run would be in the way of another's
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _runtime() -> ModuleType:
    try:
        import onnx  # noqa: F401  # torch's exporter needs it
        import onnxruntime
    except ImportError as error:
        raise ExportError(f"{error.name} is not installed: pip install '.[onnx]' in the checkout") from error
    return onnxruntime  # type: ignore[no-any-return]


def _content(part: Part, network: MRNet) -> bytes:
    names = (*part.inputs, *part.outputs)
    channels = {axis for axes in AXES.values() for axis in axes if axis.startswith("C")}
    free = {
        name: {place: axis for place, axis in enumerate(AXES[name]) if not axis.isdigit() and axis not in channels}
        for name in names
    }
    file = io.BytesIO()
    inputs = _inputs(part, network, _MADE)
    with warnings.catch_warnings(), torch.no_grad():
        # of the tracing exporter, deprecated though the one that follows it takes minutes over this network; whether
        # what it warns of did harm is settled by the check
        warnings.simplefilter("ignore")
        torch.onnx.export(
            part.module,
            inputs,
            cast(Any, file),
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            dynamic_axes=free,
            opset_version=_OPSET,
            dynamo=False,
        )
    return file.getvalue()


def _difference(part: Part, content: bytes, network: MRNet) -> float:
    session = open_session(content)
    differences = []
    for case in CHECKED:
        inputs = _inputs(part, network, case)
        with torch.no_grad():
            expected = part.original(*inputs)
        given = session.run(None, {name: one.numpy() for name, one in zip(part.inputs, inputs, strict=True)})
        wanted = [expected] if isinstance(expected, Tensor) else expected
        differences += [relative(mine, theirs.numpy()) for mine, theirs in zip(given, wanted, strict=True)]
    return max(differences)


def relative(given: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Largest difference, as a share of the largest value where that is above 1; infinite where shapes differ.

    >>> relative(np.float32([1, 3]), np.float32([1, 4]))
    0.25
    """
    if given.shape != wanted.shape:
        return float("inf")
    return float(np.abs(given - wanted).max() / max(np.abs(wanted).max(), 1))


def _inputs(part: Part, network: MRNet, case: Case) -> tuple[Tensor, ...]:
    """Seeded noise in [0, 1], of the shapes that a part takes."""
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.rand(_shape(AXES[name], network, case), generator=generator) for name in part.inputs)


def _shape(axes: Sequence[str], network: MRNet, case: Case) -> list[int]:
    lengths = {"B": case.objects, "K": case.candidates, "1": 1, "3": 3, "4": 4}
    lengths |= {"CF": network.decoder.fused, "CS": network.decoder.skips[-1], "CK": CHANNELS}
    for stride, channels in zip((4, 8, 16, 32), network.encoder.channels, strict=True):
        lengths |= {f"C{stride}": channels, f"H/{stride}": case.height // stride, f"W/{stride}": case.width // stride}
    return [{**lengths, "H": case.height, "W": case.width}[axis] for axis in axes]
