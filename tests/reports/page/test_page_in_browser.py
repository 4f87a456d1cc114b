"""The page in a real browser: what a reader clicks, slides and sorts, by mouse, keyboard and finger."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner, Result
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mrnet_cli.cli.main import main

# no smooth scrolling, so that what is aimed at stands still
DESKTOP = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
PHONE = {
    **{"viewport": {"width": 390, "height": 844}, "reduced_motion": "reduce"},
    **{"is_mobile": True, "has_touch": True, "device_scale_factor": 2},
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        found = next(filter(None, map(shutil.which, names)), own if Path(own).exists() else None)
        if found is None:
            pytest.skip(f"no Chromium here ({', '.join(names)}): install one, or run `playwright install chromium`")
        # root, as in containers, has no sandbox
        sandbox = not hasattr(os, "geteuid") or os.geteuid() != 0
        browser = playwright.chromium.launch(executable_path=found, chromium_sandbox=sandbox)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tabs(browser: Browser) -> Tabs:
    """A tab for each view, since one that had the page before shows it within a second, a new one in five."""
    return Tabs(browser)


class Tabs(dict[str, Page]):
    """Tabs by their views; notes whatever errs, warns, asks or looks for anything on the network."""

    def __init__(self, browser: Browser) -> None:
        super().__init__()
        self._browser = browser
        self.complaints: list[str] = []

    def __missing__(self, view: str) -> Page:
        self[view] = tab = self._browser.new_context(**json.loads(view)).new_page()
        tab.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        tab.on("request", lambda request: self.complaints.extend(outside(request.url)))
        return tab


@pytest.fixture
def opened(tabs: Tabs, page: Path) -> Iterator[Callable[..., Page]]:
    """Opens the page anew; that it complains of anything fails the test in the end."""
    tabs.complaints.clear()

    def visit(path: Path = page, *, scheme: Literal["light", "dark"] = "light", **view: object) -> Page:
        tab = tabs[json.dumps(view or DESKTOP)]
        tab.emulate_media(color_scheme=scheme)
        tab.goto(path.as_uri())
        return tab

    yield visit
    assert tabs.complaints == []


def outside(address: str) -> list[str]:
    """The address, if it is not of the file itself."""
    return [] if address.startswith(("file:", "data:")) else [address]


def column(tab: Page, table: str, index: int) -> list[str]:
    return [text.strip() for text in tab.locator(f"{table} tbody tr > :nth-child({index})").all_inner_texts()]


def captions(tab: Page) -> list[str]:
    return [" ".join(text.split()) for text in tab.locator("#panes figcaption").all_inner_texts()]


def scores(runs: Path, run: str, frame: str) -> dict[str, dict[str, float]]:
    """J and F of `squares` in percent, by object."""
    with (runs / "scores" / run / "frames.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["sequence"] == "squares" and row["frame"] == frame]
    return {row["object"]: {measure: 100 * float(row[measure]) for measure in "JF"} for row in rows}


def test_names_are_text_wherever_they_stand(opened: Callable[..., Page], bad_sequence: str, bad_run: str) -> None:
    tab = opened()
    assert tab.locator("h1").inner_text() == f"good · {bad_run}"
    assert column(tab, "#summary table", 1)[1:] == ["good", bad_run]
    assert bad_sequence in column(tab, ".list table", 1)
    tab.select_option("#sequence", label=bad_sequence)
    assert tab.locator("#legend button").all_inner_texts() == ["good", bad_run]
    assert captions(tab)[1].startswith(bad_run)
    tab.locator("#chart .nsewdrag").first.hover(position={"x": 300, "y": 60})
    expect(tab.locator("#chart .hoverlayer")).to_contain_text(bad_run)
    assert tab.locator("h1 b, h1 script, tbody script").count() == 0


def test_the_slider_shows_frames_with_their_scores(opened: Callable[..., Page], runs: Path, bad_run: str) -> None:
    tab = opened()
    # the first frame is not scored, so that the second is shown at first
    assert tab.locator("#frame").inner_text() == "00001 (2 of 12)"
    before = tab.locator("#panes img").first.get_attribute("src")
    tab.focus("#slider")
    for _ in range(6):
        tab.keyboard.press("ArrowRight")
    assert tab.locator("#frame").inner_text() == "00007 (8 of 12)"
    assert tab.locator("#panes img").first.get_attribute("src") != before
    means = {
        run: [sum(one[measure] for one in scores(runs, run, "00007").values()) / 2 for measure in "JF"]
        for run in ("good", "late")
    }
    assert captions(tab) == [
        "good J {:.1f} · F {:.1f} · picked 00002".format(*means["good"]),
        f"{bad_run} " + "J {:.1f} · F {:.1f}".format(*means["late"]),
        "Ground truth",
    ]
    assert "picked 00002" in str(tab.get_attribute("#slider", "aria-valuetext"))
    tab.keyboard.press("Home")
    assert captions(tab)[0] == "good not scored"


def test_pictures_side_by_side_are_of_the_frame_and_its_masks(opened: Callable[..., Page]) -> None:
    tab = opened()
    tab.focus("#slider")
    tab.keyboard.press("End")
    stacks = tab.locator("#panes .stack")
    assert stacks.count() == 3
    tops = [stacks.nth(index).bounding_box() for index in range(3)]
    assert len({round(box["y"]) for box in tops if box}) == 1
    layers = tab.locator("#panes img.layer:visible")
    assert layers.count() == 3
    assert len(set(layers.evaluate_all("images => images.map((one) => one.src)"))) == 3
    assert tab.locator("#panes img:visible").evaluate_all("all => all.every((one) => one.complete && one.naturalWidth)")
    tab.get_by_label("True outline").check()
    assert layers.count() == 5
    tab.get_by_label("Masks").uncheck()
    assert layers.count() == 2


def test_curves_and_picks_are_drawn_and_a_click_goes_there(opened: Callable[..., Page]) -> None:
    tab = opened()
    traces = tab.evaluate("document.getElementById('chart').data.map(({ yaxis, y }) => ({ yaxis, y }))")
    assert [one["yaxis"] for one in traces] == ["y", "y2", "y3", "y", "y2"]
    assert traces[2]["y"] == [max(0, t - 5) for t in range(1, 12)]
    plot = tab.locator("#chart .nsewdrag").first
    box = plot.bounding_box()
    assert box
    plot.click(position={"x": box["width"] * (9 + 0.5) / 12, "y": box["height"] / 2})
    assert tab.locator("#frame").inner_text() == "00009 (10 of 12)"


def test_an_object_can_be_looked_at_alone(opened: Callable[..., Page], runs: Path) -> None:
    tab = opened()
    tab.select_option("#object", "2")
    tab.get_by_role("button", name="Worst frame").click()
    frame = tab.locator("#frame").inner_text().split()[0]
    values = {f"{t:05d}": scores(runs, "late", f"{t:05d}")["2"] for t in range(1, 11)}
    assert values[frame]["J"] + values[frame]["F"] == min(one["J"] + one["F"] for one in values.values())
    assert "J {J:.1f} · F {F:.1f}".format(**values[frame]) in captions(tab)[1]


def test_a_run_can_be_hidden(opened: Callable[..., Page], bad_run: str) -> None:
    tab = opened()
    tab.get_by_role("button", name="good", exact=True).click()
    assert [text.split()[0] for text in captions(tab)] == [bad_run.split()[0], "Ground"]
    assert tab.evaluate("document.getElementById('chart').data.length") == 2
    for name in ("good", bad_run):
        tab.locator("#legend").get_by_role("button", name=name, exact=True).click()
    assert [text.split()[0] for text in captions(tab)] == ["good", "Ground"]


def test_it_plays_until_it_is_told_to_stop(opened: Callable[..., Page]) -> None:
    tab = opened()
    tab.get_by_role("button", name="Play").click()
    expect(tab.locator("#slider")).to_have_value(re.compile("[3-9]"))
    tab.get_by_role("button", name="Pause").click()
    stopped = tab.input_value("#slider")
    tab.wait_for_timeout(800)
    assert tab.input_value("#slider") == stopped


def test_tables_sort_by_keyboard_and_published_rows_stay_apart(opened: Callable[..., Page]) -> None:
    tab = opened()
    table = "#table2 table"
    heading = tab.locator(f"{table} thead th").nth(2)
    heading.get_by_role("button").focus()
    tab.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    body = "#table2 tbody:nth-of-type({})"
    assert column(tab, "#table2 table", 1)[:2] == ["published, online", "PReMVOS"]
    offline = tab.locator(body.format(2) + " tr > :nth-child(3)").all_inner_texts()
    values = [float(text) for text in offline if text != "-"]
    assert values == sorted(values, reverse=True)
    assert len(values) > 5
    assert set(offline[len(values) :]) == {"-"}
    tab.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    offline = tab.locator(body.format(2) + " tr > :nth-child(3)").all_inner_texts()
    assert [float(text) for text in offline[: len(values)]] == sorted(values)
    badges = tab.locator("#table2 tbody").evaluate_all(
        "all => all.map((body) => [...body.querySelectorAll('.badge')].map((one) => one.textContent))"
    )
    assert [set(group) for group in badges] == [{"published"}, {"published"}, {"measured"}]


def test_runs_are_compared_and_a_sequence_there_opens(
    opened: Callable[..., Page], runs: Path, bad_sequence: str, bad_run: str
) -> None:
    tab = opened()
    means = {}
    for run in ("good", "late"):
        with (runs / "scores" / run / "objects.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["sequence"] == "squares"]
        means[run] = sum(float(row["J-Mean"]) + float(row["F-Mean"]) for row in rows) / 4
    cells = tab.locator("#pairs tbody tr").first.locator("td").all_inner_texts()
    expected = [100 * means["good"], 100 * means["late"], 100 * (means["good"] - means["late"])]
    assert cells[:3] == [f"{expected[0]:.2f}", f"{expected[1]:.2f}", f"{expected[2]:+.2f}"]
    said = tab.locator("#pairs p").first.inner_text()
    assert said.startswith(f"good is {expected[2]:.2f} points of J&F above {bad_run} (95% interval")
    assert "better in 2, worse in 0 of 2 sequences" in said
    tab.locator("#pairs tbody tr").nth(1).get_by_role("button").click()
    assert tab.locator("#sequence option:checked").inner_text() == bad_sequence
    assert tab.locator("tr.chosen").inner_text().startswith(bad_sequence)


def test_a_finger_on_a_phone_finds_everything_within_the_width(opened: Callable[..., Page], bad_sequence: str) -> None:
    tab = opened(**PHONE)
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    tab.locator(".list .pick").nth(1).tap()
    assert tab.locator("#sequence option:checked").inner_text() == bad_sequence
    expect(tab.locator("#sequence")).to_be_in_viewport()
    chart = tab.locator("#chart .main-svg").first.bounding_box()
    assert chart
    assert chart["width"] <= 390
    for button in tab.locator(".bar button:visible, .bar select:visible").all():
        box = button.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44


@pytest.mark.parametrize("view", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_mend(opened: Callable[..., Page], view: dict[str, Any], scheme: str) -> None:
    tab = opened(**view, scheme=scheme, bypass_csp=True)
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, ground[4:-1].split(","))) < 64) == (scheme == "dark")
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


def test_the_charts_follow_a_change_to_dark(opened: Callable[..., Page]) -> None:
    tab = opened()
    line = tab.locator("#chart .js-line").first
    expect(line).to_have_css("stroke", "rgb(31, 95, 191)")
    tab.emulate_media(color_scheme="dark")
    expect(line).to_have_css("stroke", "rgb(127, 178, 255)")


def test_without_pictures_the_scored_frames_are_gone_through(
    opened: Callable[..., Page], report: Callable[..., Result], tmp_path: Path
) -> None:
    assert report(tmp_path, "--html").exit_code == 0
    tab = opened(tmp_path / "report.html")
    assert tab.locator("#panes img").count() == 0
    assert tab.locator("#layers").is_hidden()
    assert captions(tab)[0].startswith("good J ")
    tab.focus("#slider")
    tab.keyboard.press("End")
    assert tab.locator("#frame").inner_text() == "00010 (11 of 12)"


def test_what_a_record_says_is_text_too(opened: Callable[..., Page], runs: Path, tmp_path: Path) -> None:
    """Names of folders hold no slash, but a record may, and so an end of the script that it stands in."""
    shutil.copytree(runs / "scores" / "late", tmp_path / "late")
    record = tmp_path / "late" / "evaluate.json"
    evil = "</script><script>alert(3)</script>\\u001b[31m"
    text = record.read_text()
    for key in ("title", "split", "command", "predictions"):
        text = re.sub(rf'"{key}": "[^"]*"', lambda found: f'{found[0].partition(":")[0]}: "{evil}"', text)
    record.write_text(text)
    result = CliRunner().invoke(main, ["report", str(tmp_path / "late"), "--html", "--output", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    tab = opened(tmp_path / "out" / "report.html")
    assert "</script><script>alert(3)</script>" in tab.locator(".lede").inner_text()
    assert tab.locator("p script, td script, dd script, caption script").count() == 0


@pytest.fixture(scope="module")
def crowded(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of eight runs with long names."""
    output = tmp_path_factory.mktemp("crowded")
    named = [
        f"--name=davis-with-a-long-name-{n}={shutil.copytree(runs / 'scores/late', output / str(n))}"
        for n in "abcdefgh"
    ]
    result = CliRunner().invoke(main, ["report", *named, "--html", "--output", str(output / "report")])
    assert result.exit_code == 0, result.output
    return output / "report" / "report.html"


def test_long_names_do_not_widen_a_phone(opened: Callable[..., Page], crowded: Path) -> None:
    tab = opened(crowded, viewport={"width": 360, "height": 740})
    assert tab.evaluate("document.documentElement.scrollWidth") == 360


def test_the_seventh_run_is_told_from_the_first(opened: Callable[..., Page], crowded: Path) -> None:
    tab = opened(crowded)
    lines = tab.evaluate(
        "document.getElementById('chart').data.filter((one) => one.mode === 'lines').map((one) => one.line)"
    )
    assert len({(one["color"], one["dash"]) for one in lines}) == 8


def test_one_pair_is_shown_and_without_a_script_all(opened: Callable[..., Page], crowded: Path) -> None:
    tab = opened(crowded)
    assert tab.locator(".pair:visible").count() == 1
    tab.locator("#pair").select_option("3")
    assert tab.locator(".pair:visible").get_attribute("data-pair") == "3"
    plain = opened(crowded, java_script_enabled=False)
    assert plain.locator(".pair:visible").count() == 28
    assert plain.locator("#pair:visible").count() == 0


def test_a_print_holds_every_column_and_says_what_it_shows(opened: Callable[..., Page]) -> None:
    tab = opened(viewport={"width": 718, "height": 1000})
    tab.emulate_media(media="print")
    try:
        wide = "[...document.querySelectorAll('.scroll')].map((one) => one.scrollWidth - one.clientWidth)"
        assert max(tab.evaluate(wide)) <= 0
        assert tab.locator("#sequence").is_visible()
        assert tab.locator("#frame").is_visible()
        assert tab.locator("#play").is_hidden()
    finally:
        tab.emulate_media(media="screen")
