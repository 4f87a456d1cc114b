"""Puts a picture of the documentation site's first page into results/, as Chromium shows it.

    make docs
    python benchmarks/site_picture.py

The site is asked over HTTP, as readers do: the search is not offered to those who open a file.
"""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import click
from browser import chromium, keep


@click.command()
@click.option("--site", type=click.Path(exists=True, path_type=Path), default="site", show_default=True)
def main(site: Path) -> None:
    """Writes results/site.png."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=site)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with chromium() as browser:
            shown = browser.new_page(viewport={"width": 1280, "height": 1130}, color_scheme="light")
            shown.goto(f"http://127.0.0.1:{server.server_port}/index.html", wait_until="networkidle")
            keep(shown.screenshot(), "site.png")
        server.shutdown()


if __name__ == "__main__":
    main()
