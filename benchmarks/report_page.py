"""Makes the page of the shipped weights and OSVOS on DAVIS-2016 val, and puts a picture of it into results/.

    python benchmarks/report_page.py --data DATA --runs RUNS

RUNS is the folder that ``benchmarks/davis.py`` kept its runs in, and DATA the one it took. Chromium takes the picture.
"""

from __future__ import annotations

from pathlib import Path

import click
from browser import chromium, keep
from davis import OURS, PEER
from playwright.sync_api import Browser
from shared import data_option, mrnet

# where masks go wrong, and a frame in which they do
SEQUENCE, FRAME = "bmx-trees", 22


@click.command()
@data_option("DAVIS and predictions/osvos")
@click.option("--runs", type=click.Path(exists=True, path_type=Path), default="runs", show_default=True)
def main(data: Path, runs: Path) -> None:
    """Writes RUNS/page/report.html and results/page.png."""
    place, page = (runs / "2016").resolve(), (runs / "page").resolve()
    named = ("--name", f"mrnet lite={OURS}-scores", "--name", "OSVOS=compared/osvos")
    masks = ("--predictions", f"OSVOS={(data / PEER).resolve()}")
    mrnet("report", OURS, *named, *masks, "--html", "--davis", "DAVIS", "--output", page, cwd=place)
    with chromium() as browser:
        keep(picture(browser, page / "report.html"), "page.png")


def picture(browser: Browser, page: Path) -> bytes:
    """The page with a sequence opened at a frame, as a PNG."""
    shown = browser.new_page(viewport={"width": 1280, "height": 1130}, reduced_motion="reduce")
    shown.goto(page.as_uri())
    shown.locator(".list .pick", has_text=SEQUENCE).click()
    shown.get_by_label("True outline").check()
    shown.locator("#slider").fill(str(FRAME))
    shown.evaluate("document.activeElement.blur(); document.getElementById('sequences').scrollIntoView()")
    shown.wait_for_timeout(500)
    return shown.screenshot()


if __name__ == "__main__":
    main()
