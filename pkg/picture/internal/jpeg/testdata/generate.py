"""Writes the fixtures of this folder with Pillow 13, the library whose pixels are to be matched.

    python generate.py    # jpegs.zip and jpegs.json

jpegs.zip     drawn pictures: scans that are missing or damaged, tables that are missing, headers that are odd
jpegs.json    for each: what Image.open(...).convert("RGB") gives, as [width, height, SHA-256 of the pixels], or null
              where Pillow refuses it
"""
import hashlib
import io
import json
import pathlib
import random
import zipfile

import numpy as np
from PIL import Image

here = pathlib.Path(__file__).parent
random.seed(1)
files = {}


def drawing(w, h):
    y, x = np.mgrid[:h, :w].astype(float)
    rgb = np.stack([128 + 120 * np.sin(x / 9 + y / 13), 255 * y / h, 128 + 120 * np.cos(x * y / 170)], 2)
    rgb[h // 4 : h // 2, w // 3 : w // 2] = (230, 30, 60)
    return Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8))


def encoded(picture, **options):
    out = io.BytesIO()
    picture.save(out, "JPEG", **options)
    return out.getvalue()


def segments(data):
    at, found = 2, []
    while at < len(data) - 1:
        if data[at] != 0xFF or data[at + 1] in (0, 0xFF):
            at += 1
            continue
        marker = data[at + 1]
        found.append((at, marker))
        at += 2 if marker == 0xD9 or 0xD0 <= marker <= 0xD7 else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return found


def scans(data):
    return [at for at, marker in segments(data) if marker == 0xDA]


def without(data, marker):
    for at, m in reversed(segments(data)):
        if m == marker:
            data = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    return data


def noise(name, data, start, times):
    for i in range(times):
        damaged = bytearray(data)
        for _ in range(random.choice((1, 1, 3))):
            damaged[random.randrange(start, len(data) - 2)] = random.choice((0, 255, random.randrange(256)))
        files[f"{name}_damaged_{i}.jpg"] = bytes(damaged)


end = b"\xff\xd9"
for name, picture, options in (
    ("444", drawing(61, 43), {"subsampling": 0}),
    ("422", drawing(50, 75), {"subsampling": 1, "quality": 40}),
    ("420", drawing(83, 59), {"subsampling": 2}),
    ("420_rows", drawing(33, 90), {"subsampling": 2, "restart_marker_rows": 1}),
    ("420_blocks", drawing(64, 48), {"subsampling": 2, "restart_marker_blocks": 2, "quality": 90}),
    ("gray", drawing(57, 41).convert("L"), {}),
    ("cmyk", drawing(40, 36).convert("CMYK"), {"subsampling": 2}),
    ("narrow", drawing(5, 70), {"subsampling": 2}),
    ("flat", drawing(70, 9), {"subsampling": 2}),
):
    data = encoded(picture, progressive=True, **options)
    starts = scans(data)
    for i, start in enumerate(starts[1:], 1):
        files[f"{name}_{i}_scans.jpg"] = data[:start] + end
    for i, start in enumerate(starts):
        stop = (starts + [len(data)])[i + 1]
        files[f"{name}_within_scan_{i}.jpg"] = data[: (start + 10 + stop) // 2] + end
    files[f"{name}_no_end.jpg"] = data[:-2]
    noise(name, data, starts[0] + 14, 12)
    noise(f"{name}_baseline", encoded(picture, **options), scans(encoded(picture, **options))[0] + 14, 4)

plain = encoded(drawing(61, 43), quality=80)
tables = [at for at, marker in segments(plain) if marker == 0xC4]
for name, data in (("frame", plain), ("frame_gray", encoded(drawing(40, 30).convert("L")))):
    files[f"{name}.jpg"] = without(data, 0xC4)
    for i, at in enumerate(tables[: 4 if name == "frame" else 2]):
        files[f"{name}_table_{i}_missing.jpg"] = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
files["frame_progressive.jpg"] = without(encoded(drawing(40, 30), progressive=True), 0xC4)

frame = next(at for at, marker in segments(plain) if marker == 0xC0)
scan = scans(plain)[0]
twins = bytearray(plain)
twins[frame + 16] = twins[scan + 9] = 2
twins[frame + 13] = twins[scan + 7] = 2
files["ids_repeat.jpg"] = bytes(twins)
backwards = bytearray(plain)
backwards[scan + 5], backwards[scan + 9] = backwards[scan + 9], backwards[scan + 5]
files["scan_backwards.jpg"] = bytes(backwards)
for name, extra in (
    ("comment_empty", b"\xff\xfe\0\2"), ("comment_length_0", b"\xff\xfe\0\0"), ("app_length_1", b"\xff\xe5\0\1"),
    ("fill", b"\xff\xff\xff\xff\xfe\0\2"), ("garbage", b"abc\xff\0def"), ("second_start", b"\xff\xd8"),
    ("unknown_marker", b"\xff\xf3"), ("tem", b"\xff\1"), ("huffman_empty", b"\xff\xc4\0\2"),
    ("restart_interval_long", b"\xff\xdd\0\5\0\0\0"), ("restart_interval_0", b"\xff\xdd\0\4\0\0"),
    ("lines", b"\xff\xdc\0\4\0\x10"),
):
    files[f"{name}.jpg"] = plain[:frame] + extra + plain[frame:]
files["after_end.jpg"] = plain + b"\0trailing" + plain
files["no_end_zeros.jpg"] = plain[:-2] + bytes(9)
for cut in range(1, 9):
    files[f"cut_{cut}.jpg"] = plain[:-cut]
three = bytearray(plain[:scan] + b"".join(
    b"\xff\xda\0\x08\1" + bytes((i + 1, 0 if i == 0 else 0x11)) + b"\0\x3f\0" + plain[scan + 14 : -2] for i in range(3)) + end)
files["one_scan_each.jpg"] = bytes(three)


def answer(data):
    try:
        rgb = Image.open(io.BytesIO(data)).convert("RGB")
    except Exception:
        return None
    return [*rgb.size, hashlib.sha256(rgb.tobytes()).hexdigest()]


with zipfile.ZipFile(here / "jpegs.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for name in sorted(files):
        archive.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
table = {name: answer(data) for name, data in files.items()}
(here / "jpegs.json").write_text(
    "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(table.items())) + "\n}\n")
print(len(files), "pictures,", sum(v is None for v in table.values()), "refused")
