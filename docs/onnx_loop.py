"""Segments a folder of frames with the files of `mrnet export`; needs numpy, Pillow and onnxruntime.

python onnx_loop.py ONNX FRAMES FIRST.png OUTPUT
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

# what the matching hands to the decoder, by the network's variant
GUIDES = {"none": (), "mask": ("chosen_mask",), "mask+similarity": ("similarity", "chosen_mask")}
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def main(files: Path, frames: Path, first: Path, output: Path) -> None:
    """Writes a mask for every frame, of the first mask's ids."""
    config = json.loads((files / "mrnet.json").read_text())
    encode, decode = (session(files / f"{name}.onnx") for name in ("encoder", "decoder"))
    handed = GUIDES[config["variant"]]
    match = session(files / "matching.onnx") if handed else None
    search = session(files / "search.onnx") if config["window"] else None
    ids = np.asarray(Image.open(first))
    objects = [number for number in np.unique(ids) if number]
    paths = sorted((path for path in frames.iterdir() if path.suffix.lower() in SUFFIXES), key=natural)
    if not paths:
        sys.exit(f"{frames} holds no frames")
    output.mkdir(parents=True, exist_ok=True)
    height, width = ids.shape
    # the files take multiples of 32 only; `mrnet predict` pads to them, which distorts nothing
    scale = config["size"] / min(ids.shape) if config["size"] else 1
    rows, columns = (32 * max(round(side * scale / 32), 1) for side in ids.shape)
    probability = np.stack([resized(ids == number, columns, rows) for number in objects])[:, None]
    past = {}
    for t, path in enumerate(paths):
        image = np.asarray(Image.open(path).convert("RGB").resize((columns, rows), Image.Resampling.BOX), np.float32)
        images = np.repeat(image.transpose(2, 0, 1)[None] / 255, len(objects), axis=0)
        features = encode(image=images, mask=probability)
        if t == 0:
            reference, past[0] = features["f32"], features
        else:
            # the mask that this frame is encoded with is the one before's
            past[t - 1] |= {name: features[name] for name in ("mask32", "mask16") if name in features}
            candidates = [0] + [t - i * config["n"] for i in range(config["k"], 0, -1) if t > i * config["n"]]
            keys, masks = (np.stack([past[number][name] for number in candidates]) for name in ("key", "mask32"))
            ranked = match(key=features["key"], past_keys=keys, past_masks=masks) if match else {}
            skips = {name: features[name] for name in ("f4", "f8", "f16", "f32")}
            guides = {name: ranked[name] for name in handed}
            if search:
                # each object of the past frame that was chosen for it
                chosen = [past[candidates[index]] for index in ranked["chosen"]]
                key, mask = (
                    np.stack([one[name][i] for i, one in enumerate(chosen)]) for name in ("search_key", "mask16")
                )
                first = {"reference_key": past[0]["search_key"], "reference_mask": past[0]["mask16"]}
                guides |= search(search_key=features["search_key"], **first, chosen_key=key, chosen_mask16=mask)
            probability = decode(**skips, reference=reference, **guides)["probability"]
            past[t] = {name: features[name] for name in ("key", "search_key") if name in features}
            if t > config["k"] * config["n"]:
                del past[t - config["k"] * config["n"]]
        shown = np.stack([resized(one[0], width, height) for one in probability])
        best = np.concatenate([1 - shown.sum(axis=0, keepdims=True), shown]).argmax(axis=0)
        Image.fromarray(np.array([0, *objects], np.uint8)[best]).save(output / f"{path.stem}.png")


def natural(path: Path) -> list[tuple[str, int]]:
    """Puts 2.jpg before 10.jpg."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", path.stem)]


def session(path: Path):  # noqa: ANN201
    """A file as a function from named arrays to named arrays."""
    loaded = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [one.name for one in loaded.get_outputs()]
    return lambda **inputs: dict(zip(names, loaded.run(None, inputs), strict=True))


def resized(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """H W numbers to another size, in float32."""
    shrinks = height < values.shape[0]
    filtered = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize((width, height), filtered))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
