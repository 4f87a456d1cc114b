"""Packs DAVIS train and the stills into shards that benchmarks/gpu_training.py trains on.

    python benchmarks/pack_training_data.py --davis DATA/DAVIS --stills DATA/static --output shards

Files go in as they are: to write the frames again as WebP at quality 80 would make them larger.
"""

from __future__ import annotations

from pathlib import Path

import click

from mrnet_cli.data.files import make_output_dir
from mrnet_cli.errors import MrnetError
from mrnet_cli.training.device_clips.shards import pack
from mrnet_cli.training.sources import davis_videos, stills

MIB = 2**20
path = click.Path(path_type=Path)


@click.command()
@click.option("--davis", type=path, required=True, help="DAVIS root; its train split is packed.")
@click.option("--resolution", default="384p", show_default=True, help="Folder below JPEGImages and Annotations.")
@click.option("--stills", "stills_dir", type=path, help="Folder of images/ and masks/.")
@click.option("--split", default="train", show_default=True, help="Of DAVIS-2016.")
@click.option("--mib", type=click.IntRange(min=1), default=40, show_default=True, help="Largest size of a shard.")
@click.option("--output", type=path, required=True, help="Folder for the shards.")
def main(davis: Path, resolution: str, stills_dir: Path | None, split: str, mib: int, output: Path) -> None:
    """Writes shards, videos first."""
    try:
        videos = davis_videos(davis, resolution=resolution, split=split)
        pictures = stills(stills_dir) if stills_dir else ()
        make_output_dir(output)
        for shard in pack(videos, pictures, output, most_bytes=mib * MIB):
            click.echo(f"{shard}  {shard.stat().st_size / MIB:.1f} MiB")
    except MrnetError as error:
        raise click.UsageError(str(error)) from error


if __name__ == "__main__":
    main()
