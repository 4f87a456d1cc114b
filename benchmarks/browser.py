"""A browser that pictures of pages are taken with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from shared import RESULTS

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """What the path knows, or what `playwright install chromium` brought."""
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, NAMES)), playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=found, chromium_sandbox=False)
        yield browser
        browser.close()


def keep(shot: bytes, name: str) -> None:
    """Writes a picture into results/: as many colours as a palette holds are enough, in a third of the bytes."""
    Image.open(BytesIO(shot)).convert("RGB").quantize(256).save(RESULTS / name, optimize=True)
