"""Fuzzes every reader for a time, guided by coverage, and keeps one file for each way in which one failed.

    pip install atheris
    python tests/fuzz/fuzz.py --seconds 300

Prints a row a reader: executions, and failures told apart by where they arose. What fails goes to FOUND/READER/; once
it is mended, its file belongs into tests/fuzz/corpus/READER/, which the ordinary suite reads.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import click

# atheris must be told before they are imported
INSTRUMENTED = ["mrnet_cli", "PIL", "zipfile", "json", "csv", "av"]
HERE = Path(__file__).parent
LONGEST = 65536


@click.command()
@click.option("--seconds", type=click.IntRange(1), default=300, show_default=True, help="For each reader.")
@click.option("--reader", "only", help="One of them in place of all.")
@click.option("--found", type=click.Path(path_type=Path), default="found", show_default=True, help="For failures.")
@click.option("--here", is_flag=True, hidden=True, help="In this process, which ends with it.")
def main(seconds: int, only: str | None, found: Path, here: bool) -> None:
    """Fuzzes the readers."""
    if here and only:
        fuzz(only, seconds, found)
    from fuzz_readers import READERS

    click.echo("| reader | executions | failures |\n| --- | --- | --- |")
    for name in READERS if only is None else [only]:
        again = ["--here", "--reader", name, "--seconds", str(seconds), "--found", str(found)]
        command = [sys.executable, __file__, *again]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        count = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        failures = len(list((found / name).glob("*"))) if (found / name).is_dir() else 0
        click.echo(f"| {name} | {count[1] if count else f'ended with {done.returncode}'} | {failures} |")
        if not count:
            click.echo(done.stderr[-2000:], err=True)


def fuzz(name: str, seconds: int, found: Path) -> None:
    """Fuzzes a reader in this process and ends it."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from fuzz_readers import READERS, check

    reader, known = READERS[name], set[str]()

    def run(content: bytes) -> None:
        try:
            check(reader, content)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            key = f"{type(error).__name__} {Path(place.filename).name} {place.lineno}"
            if key not in known:
                known.add(key)
                folder = found / name
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{key} {hashlib.sha256(content).hexdigest()[:8]}").write_bytes(content)
                traceback.print_exc()

    with tempfile.TemporaryDirectory() as seeds:
        for number, content in enumerate(reader.seeds()):
            # also imports what takes longer than a run may
            check(reader, content)
            (Path(seeds) / str(number)).write_bytes(content)
        # what hangs or takes 2 GB ends the process, and leaves its input
        (found / name).mkdir(parents=True, exist_ok=True)
        limits = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=3000", f"-max_len={LONGEST}"]
        options = [*limits, "-print_final_stats=1", f"-artifact_prefix={found / name}/"]
        known_cases = [str(place) for place in [HERE / "corpus" / name] if place.is_dir()]
        atheris.Setup([sys.argv[0], *options, seeds, *known_cases], run)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
