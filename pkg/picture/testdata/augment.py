"""Writes augment.json with torchvision's transforms on pictures of Pillow 13, step by step as DETR composes them.

    GOINTR_ORACLE/python augment.py

Each case is a picture that the test draws too, what was drawn for it, and what comes out:
{picture: [w, h], flip, first: short side before the crop, resized: [w, h], crop: [x, y, w, h], short, long, size: [w, h],
sum: SHA-256 of the pixels}; first, resized and crop are missing where there is no crop.
"""
import hashlib
import json
import pathlib
import random

from PIL import Image
from torchvision.transforms import functional as F

here = pathlib.Path(__file__).parent
random.seed(5)


def pattern(w, h):
    state, pixels = w * 65536 + h, bytearray()
    for _ in range(w * h * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        pixels.append(state >> 24)
    return Image.frombytes("RGB", (w, h), bytes(pixels))


def size_for(w, h, short, long):
    if long and max(w, h) / min(w, h) * short > long:
        short = int(round(long * min(w, h) / max(w, h)))
    if min(w, h) == short:
        return w, h
    return (short, int(short * h / w)) if w < h else (int(short * w / h), short)


def case(w, h, scale, flip, cropped):
    """scale divides the published sizes."""
    c = dict(picture=[w, h], flip=flip)
    picture = pattern(w, h)
    if flip:
        picture = F.hflip(picture)
    if cropped:
        c["first"] = random.choice([400, 500, 600]) // scale
        c["resized"] = size_for(*picture.size, c["first"], None)
        picture = F.resize(picture, c["resized"][::-1])
        cw = random.randint(384 // scale, min(picture.width, 600 // scale))
        ch = random.randint(384 // scale, min(picture.height, 600 // scale))
        x, y = random.randint(0, picture.width - cw), random.randint(0, picture.height - ch)
        c["crop"] = [x, y, cw, ch]
        picture = F.crop(picture, y, x, ch, cw)
    c["short"], c["long"] = random.choice(range(480, 801, 32)) // scale, 1333 // scale
    c["size"] = size_for(*picture.size, c["short"], c["long"])
    picture = F.resize(picture, c["size"][::-1])
    assert list(picture.size) == list(c["size"])
    c["sum"] = hashlib.sha256(picture.tobytes()).hexdigest()
    return c


cases = []
sizes = [(500, 389), (333, 500), (91, 60), (128, 128), (640, 100), (57, 230), (400, 400), (613, 480)]
for w, h in sizes:
    for flip in (False, True):
        for cropped in (False, True):
            for scale in (1, 6) if w * h < 100_000 else (1,):
                cases.append(case(w, h, scale, flip, cropped))
for _ in range(40):
    cases.append(case(random.randint(20, 300), random.randint(20, 300), random.choice([3, 5, 8]), random.random() < 0.5, random.random() < 0.8))
lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
(here / "augment.json").write_text(f"[\n{lines}\n]\n")
