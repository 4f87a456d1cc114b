"""``--output`` at an address: what is there is what a folder would hold, at every moment of a run."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import fsspec
import numpy as np
import pytest
from click.testing import CliRunner, Result

from mrnet_cli.cli.main import main
from mrnet_cli.data.folders import read_folder
from mrnet_cli.data.masks import read_index_mask, write_index_mask

WriteDavis = Callable[..., Path]


@pytest.fixture(scope="module")
def objects() -> Iterator[None]:
    """A server of objects, as S3 is one."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        fsspec.filesystem("s3").mkdir("bucket")
        yield
    server.stop()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """On this machine, and as a store of objects without a need to make folders; nothing is there yet."""
    monkeypatch.setitem(fsspec.config.conf, "local", {"auto_mkdir": True})
    return f"local://{tmp_path}/store/a run"


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.slow)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """On two file systems; nothing is there yet."""
    if request.param == "s3":
        request.getfixturevalue("objects")
        return f"s3://bucket/{tmp_path.name}/a run"
    return str(request.getfixturevalue("store"))


def there(address: str) -> dict[str, bytes]:
    """All files at an address."""
    files, root = fsspec.url_to_fs(address)
    files.invalidate_cache()
    return {path.removeprefix(root).lstrip("/"): files.cat_file(path) for path in files.find(root)}


def masks(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: content for path, content in files.items() if not path.endswith(".json")}


def mrnet(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_an_address_gets_the_files_of_a_folder_and_keeps_what_is_finished(
    address: str, write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root = write_davis("a", "b", "c")
    work = ("predict", "--davis", root, "--weights", tiny_weights, "--device", "cpu", "--overlay", "--output")
    assert mrnet(*work, tmp_path / "here").exit_code == 0
    expected = masks(read_folder(tmp_path / "here"))
    one = mrnet(*work, address, "--sequences", "a")
    assert one.exit_code == 0, one.output
    stored = there(address)
    assert list(json.loads(stored["predict.json"])["finished"]) == ["a"]
    mixed = mrnet(*work, address, "--sequences", "b")
    assert (mixed.exit_code, "has the predict.json of an earlier run: give --resume" in mixed.stderr) == (2, True)
    of_one = {path: content for path, content in masks(stored).items() if path != "ranking.csv"}
    assert of_one == {path: content for path, content in expected.items() if "a/" in path}
    resumed = mrnet(*work, address, "--resume", "--zip", tmp_path / "masks.zip")
    assert resumed.exit_code == 0, resumed.output
    assert "2 sequences segmented, 1 kept" in resumed.output
    assert resumed.output.rstrip().endswith(address)
    assert masks(there(address)) == expected
    assert list(json.loads(there(address)["predict.json"])["finished"]) == ["a", "b", "c"]


def test_scores_at_an_address_are_those_of_a_folder(address: str, write_davis: WriteDavis, tmp_path: Path) -> None:
    root = write_davis("a", "b")
    work = ("evaluate", "--davis", root, "--predictions", root / "Annotations" / "480p", "--worst", "1", "--output")
    assert mrnet(*work, tmp_path / "here").exit_code == 0
    result = mrnet(*work, address)
    assert result.exit_code == 0, result.output
    assert masks(there(address)) == masks(read_folder(tmp_path / "here"))
    assert "evaluate.json" in there(address)
    again = mrnet(*work, address)
    said = "has the evaluate.json of an earlier run: choose another --output"
    assert (again.exit_code, said in again.stderr) == (2, True)


def test_a_sweep_at_an_address_is_that_of_a_folder_and_is_not_mixed_with_another(
    address: str, write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    data = ("sweep", "--davis", write_davis("a"), "--year", "2017", "--weights", tiny_weights, "--device", "cpu")
    assert mrnet(*data, "--k", "1,2", "--output", tmp_path / "here").exit_code == 0
    assert mrnet(*data, "--k", "1", "--output", address).exit_code == 0
    again = mrnet(*data, "--k", "1,2", "--output", address)
    assert (again.exit_code, "has the sweep.json of an earlier run: give --resume" in again.stderr) == (2, True)
    first = there(address)
    resumed = mrnet(*data, "--k", "1,2", "--output", address, "--resume")
    assert resumed.exit_code == 0, resumed.output
    stored, expected = there(address), read_folder(tmp_path / "here")
    assert stored.keys() == expected.keys()
    assert {path for path in masks(stored) if stored[path] != expected[path]} == {"sweep.csv"}, "it has seconds"
    kept = [path for path in first if path.startswith("points/")]
    assert [stored[path] for path in kept] == [first[path] for path in kept]


def test_masks_of_an_earlier_run_are_gone_from_an_address_before_others_take_their_place(
    store: str, write_davis: WriteDavis, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, address = write_davis("a", "b"), store
    first = root / "Annotations" / "480p" / "a" / "00000.png"
    work = ("predict", "--davis", root, "--weights", tiny_weights, "--device", "cpu", "--output", address)
    assert mrnet(*work).exit_code == 0
    before = there(address)
    write_index_mask(first, np.roll(read_index_mask(first), 3, axis=0))
    files, _ = fsspec.url_to_fs(store)
    put = type(files).put

    def breaks_off(self: fsspec.AbstractFileSystem, here: list[str], there: list[str], **more: object) -> None:
        put(self, here[:4], there[:4], **more)
        if len(here) > 4:
            raise OSError("the line is dead")

    with monkeypatch.context() as patch:
        patch.setattr(type(files), "put", breaks_off)
        assert mrnet(*work, "--resume").exit_code == 2
    stored = there(address)
    assert [sum(path.startswith(f"{name}/") for path in stored) for name in "ab"] == [4, 12]
    assert list(json.loads(stored["predict.json"])["finished"]) == ["b"]
    assert mrnet(*work, "--resume").exit_code == 0
    assert there(address).keys() == before.keys()


def test_a_record_is_copied_after_all_that_it_speaks_of(
    store: str, write_davis: WriteDavis, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = fsspec.filesystem("local")
    put, calls = type(files).put, list[int]()

    def breaks_off(self: fsspec.AbstractFileSystem, here: list[str], there: list[str], **more: object) -> None:
        calls.append(len(here))
        # of each sequence first the record that it is begun
        if len(calls) == 4:
            put(self, here[:4], there[:4], **more)
            raise OSError("the line is dead")
        put(self, here, there, **more)

    monkeypatch.setattr(type(files), "put", breaks_off)
    root = write_davis("a", "b")
    result = mrnet("predict", "--davis", root, "--weights", tiny_weights, "--device", "cpu", "--output", store)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"Error: {store} cannot be written: the line is dead"
    stored = there(store)
    assert [sum(path.startswith(f"{name}/") for path in stored) for name in "ab"] == [12, 4]
    assert list(json.loads(stored["predict.json"])["finished"]) == ["a"]


def test_pictures_that_are_not_made_anew_do_not_stay_at_an_address(
    address: str, write_davis: WriteDavis, tiny_weights: Path
) -> None:
    root = write_davis("a", "b")
    work = ("predict", "--davis", root, "--weights", tiny_weights, "--device", "cpu", "--output", address)
    assert mrnet(*work, "--overlay", "--matte").exit_code == 0
    before = there(address)
    first = root / "Annotations" / "480p" / "a" / "00000.png"
    write_index_mask(first, np.roll(read_index_mask(first), 3, axis=0))
    resumed = mrnet(*work, "--overlay", "--resume")
    assert "1 sequence segmented, 1 kept" in resumed.output
    after = there(address)
    gone = {path for path in before if path.startswith("mattes/a/")}
    assert len(gone) == 12
    assert after.keys() == before.keys() - gone


def test_an_ablation_at_an_address_is_gone_on_with_and_not_mixed_with_another(
    store: str, write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(tiny_weights.read_bytes())
    data = ("sweep", "--davis", write_davis("a"), "--year", "2017", "--device", "cpu", "--output", store)
    work = (*data, "--weights", tiny_weights, "--weights", other)
    assert mrnet(*work).exit_code == 0
    again = mrnet(*work)
    assert (again.exit_code, "has the variants.csv of an earlier run: give --resume" in again.stderr) == (2, True)
    first = there(store)
    assert mrnet(*work, "--resume").exit_code == 0
    assert there(store)["variants/other/predictions/predict.json"] == first["variants/other/predictions/predict.json"]


def test_only_an_address_with_an_earlier_run_is_copied_here(
    store: str, write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    other = tmp_path / "store" / "a run" / "of someone else"
    other.parent.mkdir(parents=True)
    # whoever reads it fails
    other.symlink_to("nowhere")
    work = ("predict", "--davis", write_davis("a"), "--weights", tiny_weights, "--device", "cpu", "--output", store)
    result = mrnet(*work, "--resume")
    assert result.exit_code == 0, result.output
    assert (other.is_symlink(), (other.parent / "predict.json").is_file()) == (True, True)


def test_an_address_that_does_not_answer_is_told(write_davis: WriteDavis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrnet_cli.cli.output.PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"ftp://127.0.0.1:{server.getsockname()[1]}/run"
        # a connection is open, but nobody speaks; in the end it closes
        closing = Timer(0.6, lambda: server.accept()[0].close())
        closing.start()
        result = mrnet("predict", "--davis", write_davis("a"), "--output", address)
        closing.join()
    waiting, error = result.stderr.splitlines()
    assert waiting == f"Waiting for {address}, which does not answer"
    assert (result.exit_code, error.startswith(f"Error: {address} cannot be written: ")) == (2, True)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nowhere://bucket", "Protocol not known: nowhere"),
        ("http://127.0.0.1:1/x", "cannot be written: "),
        ("data://x", "its protocol does not write; give a folder, or the address of a store"),
        ("memory://run", "what is there ends with this run; give a folder, or the address of a store"),
    ],
)
def test_an_address_that_cannot_be_written_is_told_before_the_work(
    address: str, words: str, write_davis: WriteDavis
) -> None:
    result = mrnet("predict", "--davis", write_davis("a"), "--output", address)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"Error: {address} cannot be written: ")
    assert words in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "--davis", "{}", "--output", "out"),
        ("predict", "--davis", "root", "--zip", "{}", "--output", "out"),
        ("predict", "--davis", "root", "--weights", "{}", "--output", "out"),
        ("evaluate", "--davis", "{}", "--predictions", "root", "--output", "out"),
        ("evaluate", "--davis", "root", "--predictions", "{}", "--output", "out"),
        ("data", "check", "{}"),
        ("report", "{}", "--output", "out"),
        ("report", "--name", "ours={}", "--output", "out"),
        ("report", "root", "--output", "{}"),
        ("bench-speed", "--output", "{}"),
        ("train", "--davis", "root", "--output", "{}"),
        ("export", "--output", "{}"),
        ("demo", "--output", "{}"),
    ],
)
@pytest.mark.parametrize("address", ["s3://bucket/run.zip", "file:/run.zip"])
def test_an_address_where_it_does_not_serve_is_called_one(
    arguments: tuple[str, ...], address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "root").mkdir()
    result = mrnet(*(argument.format(address) for argument in arguments))
    assert result.exit_code == 2
    assert f": {address} is an address: give a file or folder of this machine" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


@pytest.mark.parametrize("protocol", ["file://", "file:"])
def test_an_address_of_files_is_a_folder(write_davis: WriteDavis, tmp_path: Path, protocol: str) -> None:
    root = write_davis("a")
    predictions = root / "Annotations" / "480p"
    result = mrnet("evaluate", "--davis", root, "--predictions", predictions, "--output", f"{protocol}{tmp_path}/e")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "e" / "evaluate.json").is_file()
