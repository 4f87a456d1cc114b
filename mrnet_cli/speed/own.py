"""A method of one's own, from a Python file, so that it runs under the clocks that ours runs under."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

from mrnet_cli.errors import MethodError

_CALLS = ("prepare", "start_prepared", "step_prepared")


def is_own(name: str) -> bool:
    """Whether a method's name is that of one in a file: ``FILE.py:NAME``."""
    return ":" in name


def load_own(name: str) -> Callable[..., Any]:
    """What makes the method that ``FILE.py:NAME`` names, a class or a function.

    Raises:
        MethodError: there is no such file, it cannot be imported, or has no such name.
    """
    file, _, maker = name.rpartition(":")
    spec = util.spec_from_file_location(f"_method_{Path(file).stem}", file)
    if spec is None or spec.loader is None or not Path(file).is_file():
        raise MethodError(f"{file} is no Python file: name yours as FILE.py:NAME")
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    if (folder := str(Path(file).resolve().parent)) not in sys.path:
        # for the modules beside it; last, so that cutie.py can import the package cutie
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise MethodError(f"{file} cannot be imported: {type(error).__name__}: {error}") from error
    make = getattr(module, maker, None)
    if not callable(make):
        raise MethodError(f"{file} has no class or function {maker}: name what makes your method as FILE.py:NAME")
    if isinstance(make, type):
        _check_calls(name, make)
    return make  # type: ignore[no-any-return]


def make_own(name: str, **settings: object) -> Any:  # noqa: ANN401 - whatever the file makes
    """The method that ``FILE.py:NAME`` makes of some settings.

    Raises:
        MethodError: as of :func:`load_own`; the method lacks what the clocks call, or a network.
    """
    method = load_own(name)(**settings)
    _check_calls(name, method)
    if not hasattr(getattr(method, "network", None), "parameters"):
        raise MethodError(f"{name} has no network: give it the torch.nn.Module whose parameters are to be counted")
    return method


def version_of_own(name: str) -> str:
    """The file and what was in it, to tell later which of its versions was timed."""
    path = Path(name.rpartition(":")[0])
    return f"{path.name} sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


def _check_calls(name: str, method: object) -> None:
    if lacking := [call for call in _CALLS if not callable(getattr(method, call, None))]:
        raise MethodError(f"{name} lacks {', '.join(lacking)}: docs/extend.md shows what the clocks call")
