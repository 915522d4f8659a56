"""Writes the fixtures of this folder with Pillow 13, the library whose pixels are to be matched.

    python generate.py    # jpegs.zip and jpegs.json; cjpeg and jpegtran of libjpeg-turbo must be there, too

jpegs.zip     drawn pictures: scans that are missing or damaged, tables that are missing, headers that are odd, arithmetic
              and lossless coding, odd sampling, no data
jpegs.json    for each: what Image.open(...).convert("RGB") gives, as [width, height, SHA-256 of the pixels], or null
              where Pillow refuses it
"""
import hashlib
import io
import json
import pathlib
import random
import subprocess
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


def tool(data, *command):
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def inserted(data, before, extra):
    at = next(at for at, marker in segments(data) if marker == before)
    return data[:at] + extra + data[at:]


def segment(marker, body):
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def conditioning(*pairs):
    return segment(0xCC, bytes(sum(pairs, ())))


# Arithmetic coding.
for name, picture, options, restart in (
    ("444", drawing(45, 31), {"subsampling": 0, "quality": 90}, ()), ("422", drawing(50, 35), {"subsampling": 1}, ()),
    ("420", drawing(61, 43), {"subsampling": 2}, ()), ("420_rows", drawing(33, 50), {"subsampling": 2}, ("-restart", "1")),
    ("420_blocks", drawing(48, 33), {"subsampling": 2}, ("-restart", "2B")), ("gray", drawing(57, 41).convert("L"), {}, ()),
    ("cmyk", drawing(40, 36).convert("CMYK"), {}, ()), ("strong", drawing(40, 40), {"quality": 100}, ()),
):
    for kind in ("sequential", "progressive"):
        data = tool(encoded(picture, **options), "jpegtran", "-arithmetic", *restart,
                    *(("-progressive",) if kind == "progressive" else ()))
        key, starts = f"arithmetic_{kind}_{name}", scans(data)
        files[f"{key}.jpg"] = data
        files[f"{key}_no_end.jpg"] = data[:-2]
        files[f"{key}_cut.jpg"] = data[: len(data) * 2 // 3]
        files[f"{key}_cut_end.jpg"] = data[: len(data) * 2 // 3] + end
        for i, start in enumerate(starts[1:6], 1):
            files[f"{key}_{i}_scans.jpg"] = data[:start] + end
        for i, pairs in enumerate((((0, 0x42), (1, 0x10), (16, 1), (17, 63)), ((0, 0xFF), (16, 0)), ((0, 0x12),), ((32, 0),))):
            files[f"{key}_conditioned_{i}.jpg"] = inserted(data, 0xDA, conditioning(*pairs))
        noise(key, data, starts[0] + 14, 5)
sequential = files["arithmetic_sequential_420.jpg"]
progressive = files["arithmetic_progressive_420.jpg"]
files["arithmetic_one_scan_each.jpg"] = tool(
    encoded(drawing(45, 31), subsampling=2), "sh", "-c", "printf '0;1;2;' > /tmp/scans$$; jpegtran -arithmetic -scans /tmp/scans$$; rm /tmp/scans$$")
files["arithmetic_tables_15.jpg"] = inserted(sequential, 0xDA, conditioning((15, 0x31), (31, 9)))
files["arithmetic_lossless.jpg"] = sequential.replace(b"\xff\xc9", b"\xff\xcb")
files["arithmetic_conditioning_odd.jpg"] = inserted(sequential, 0xDA, segment(0xCC, b"\0\x10\1"))
files["huffman_called_arithmetic.jpg"] = plain.replace(b"\xff\xc0", b"\xff\xc9")
files["arithmetic_called_huffman.jpg"] = sequential.replace(b"\xff\xc9", b"\xff\xc0")


class Bits:
    def __init__(self):
        self.text = ""

    def put(self, value, n):
        if n:
            self.text += f"{value:0{n}b}"

    def bytes(self):
        text = self.text + "1" * (-len(self.text) % 8)
        self.text = ""
        return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8)).replace(b"\xff", b"\xff\0")


def lossless(planes, factors, predictor, shift=0, restart=0, ids=(1, 2, 3, 4), extra=b"", apart=False):
    """Planes of T.81 annex H, whose Huffman codes are the sizes themselves in 5 bits."""
    most_h, most_v = max(h for h, _ in factors), max(v for _, v in factors)
    height, width = planes[0].shape[0] * most_v // factors[0][1], planes[0].shape[1] * most_h // factors[0][0]
    n = len(planes)
    data = b"\xff\xd8" + extra + segment(0xC3, bytes((8, *divmod(height, 256), *divmod(width, 256), n)) + b"".join(
        bytes((ids[i], factors[i][0] * 16 + factors[i][1], 0)) for i in range(n)))
    data += segment(0xC4, bytes((0, 0, 0, 0, 0, 17)) + bytes(11) + bytes(range(17)))
    if restart:
        data += segment(0xDD, restart.to_bytes(2, "big"))
    planes = [p.astype(int) >> shift for p in planes]
    for group in [[i] for i in range(n)] if apart else [range(n)]:
        data += segment(0xDA, bytes((len(group),)) + b"".join(bytes((ids[i], 0)) for i in group) + bytes((predictor, 0, shift)))
        single = len(group) == 1
        size = {i: (1, 1) if single else factors[i] for i in group}
        across = planes[group[0]].shape[1] // size[group[0]][0]
        down = planes[group[0]].shape[0] // size[group[0]][1]
        bits, first, passed, left = Bits(), {}, 0, restart
        for row in range(down):
            if restart and left == 0:
                data += bits.bytes() + bytes((0xFF, 0xD0 + passed % 8))
                passed, left, first = passed + 1, restart, {}
            for x in range(across):
                for i in group:
                    h, v = size[i]
                    for y in range(row * v, row * v + v):
                        for c in range(x * h, x * h + h):
                            p, top = planes[i], first.setdefault(i, y)
                            a, b = (p[y, c - 1] if c else 0), (p[y - 1, c] if y > top else 0)
                            corner = p[y - 1, c - 1] if c and y > top else 0
                            guess = 1 << 7 - shift
                            if c and y == top:
                                guess = a
                            elif c == 0 and y > top:
                                guess = b
                            elif c:
                                guess = (0, a, b, corner, a + b - corner, a + (b - corner >> 1), b + (a - corner >> 1),
                                         a + b >> 1)[predictor]
                            d = int(p[y, c] - guess)
                            k = abs(d).bit_length()
                            bits.put(k, 5)
                            bits.put(d if d >= 0 else d + (1 << k) - 1, k)
            left -= across
        data += bits.bytes()
    return data + end


colour = np.asarray(drawing(24, 20))
channels = [colour[:, :, i] for i in range(3)]
ones = ((1, 1),) * 4
for predictor in range(1, 8):
    files[f"lossless_gray_{predictor}.jpg"] = lossless(channels[:1], ones, predictor)
    files[f"lossless_rgb_{predictor}.jpg"] = lossless(channels, ones, predictor, shift=predictor % 3)
    files[f"lossless_rows_{predictor}.jpg"] = lossless(channels, ones, predictor, restart=24 * (predictor % 3 + 1))
    half = [channels[0]] + [c[::2, ::2] for c in channels[1:]]
    files[f"lossless_half_{predictor}.jpg"] = lossless(half, ((2, 2), (1, 1), (1, 1)), predictor)
    files[f"lossless_apart_{predictor}.jpg"] = lossless(half, ((2, 2), (1, 1), (1, 1)), predictor, apart=True)
files["lossless_columns.jpg"] = lossless([channels[0]] + [c[:, ::2] for c in channels[1:]], ((2, 1), (1, 1), (1, 1)), 4)
files["lossless_lines.jpg"] = lossless([channels[0]] + [c[::2] for c in channels[1:]], ((1, 2), (1, 1), (1, 1)), 7)
files["lossless_third.jpg"] = lossless([channels[0]] + [c[:, ::3] for c in channels[1:]], ((3, 1), (1, 1), (1, 1)), 5)
files["lossless_cmyk.jpg"] = lossless(channels + [255 - channels[0]], ones, 1)
files["lossless_letters.jpg"] = lossless(channels, ones, 1, ids=(82, 71, 66))
files["lossless_restart_uneven.jpg"] = lossless(channels, ones, 1, restart=24).replace(b"\xff\xdd\0\4\0\x18", b"\xff\xdd\0\4\0\x17")
jfif = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
for name, extra in (("jfif", jfif), *((f"adobe_{i}", segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes((i,)))) for i in range(3))):
    files[f"lossless_{name}.jpg"] = lossless(channels, ones, 1, extra=extra)
    files[f"lossless_{name}_gray.jpg"] = lossless(channels[:1], ones, 1, extra=extra)
    files[f"lossless_{name}_cmyk.jpg"] = lossless(channels + channels[:1], ones, 1, extra=extra)
for name in ("gray_1", "rgb_4", "rows_5", "half_7", "apart_6", "rows_2"):
    data = files[f"lossless_{name}.jpg"]
    files[f"lossless_{name}_cut.jpg"] = data[: len(data) * 2 // 3]
    files[f"lossless_{name}_cut_end.jpg"] = data[: len(data) * 2 // 3] + end
    noise(f"lossless_{name}", data, scans(data)[0] + 10, 8)
files["lossless_wide_difference.jpg"] = lossless(channels[:1], ones, 1)[:-40] + b"\x84\x21\x08\x42" * 9 + end
rest = scans(files["lossless_apart_1.jpg"])
files["lossless_component_missing.jpg"] = files["lossless_apart_1.jpg"][: rest[2]] + end

# Sampling.
for i, (factors, size) in enumerate((
    ("4x1,1x1,1x1", (45, 20)), ("1x4,1x1,1x1", (20, 45)), ("3x1,1x1,1x1", (50, 20)), ("1x3,1x1,1x1", (20, 50)),
    ("3x2,1x1,1x1", (50, 35)), ("2x3,1x1,1x1", (35, 50)), ("4x2,1x1,1x1", (70, 35)), ("2x4,1x1,1x1", (35, 70)),
    ("4x1,2x1,1x1", (70, 20)), ("1x4,1x2,1x1", (20, 70)), ("2x2,2x1,1x2", (37, 41)), ("4x1,2x1,2x1", (70, 20)),
    ("1x2,1x1,1x1", (40, 41)), ("1x1,2x2,2x2", (37, 41)), ("1x1,2x1,1x2", (37, 41)), ("1x1,4x1,1x1", (61, 20)),
    ("3x1,2x1,1x1", (50, 20)), ("3x2,1x2,1x1", (61, 37)), ("2x2,2x2,2x2", (37, 41)), ("4x2,2x1,1x1", (80, 41)),
    ("1x3,1x2,1x1", (20, 50)), ("2x1,1x2,1x1", (37, 41)), ("1x1,1x2,1x2", (37, 41)), ("2x2,1x1,1x1", (2, 41)),
)):
    ppm = io.BytesIO()
    drawing(*size).save(ppm, "PPM")
    for kind in ((), ("-progressive",)):
        try:
            files[f"sampled_{i}_{factors.replace(',', '_')}{''.join(kind)}.jpg"] = tool(ppm.getvalue(), "cjpeg", "-sample", factors, *kind)
        except subprocess.CalledProcessError:
            pass  # more blocks than an MCU may have

# Tables apart, frames after one another, no data.
cut = next(at for at, marker in segments(plain) if marker == 0xC0)
heads, body = plain[2:cut], plain[cut:]
tables = b"".join(plain[at : at + 2 + int.from_bytes(plain[at + 2 : at + 4], "big")] for at, m in segments(plain) if m in (0xDB, 0xC4))
frame_only = body[: scans(plain)[0] - cut]
bare = without(without(plain, 0xDB), 0xC4)
start = b"\xff\xd8"
streams = {
    "tables_apart": start + tables + end + bare,
    "tables_twice": start + tables + end + start + end + bare,
    "tables_then_garbage": start + tables + end + b"ab" + bare,
    "tables_then_fill": start + tables + end + b"\xff" + bare,
    "tables_alone": start + tables + end,
    "tables_restart": start + tables + segment(0xDD, b"\0\2") + end + bare,
    "tables_jfif": start + tables + jfif + end + start + bare[2:].replace(jfif[:-14], b"")[0:],
    "tables_adobe": start + tables + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0") + end + without(bare, 0xE0),
    "frame_without_scan": start + heads + frame_only[:19] + end + plain,
    "two_frames": start + heads + body[:19] + body,
    "two_pictures": plain + plain,
    "two_pictures_without_end": plain[:-2] + plain,
    "unused_table_broken": inserted(plain, 0xC0, segment(0xC4, bytes((3, 9)) + bytes(15) + bytes(9))),
    "unused_dc_symbol_large": inserted(plain, 0xC0, segment(0xC4, bytes((3, 1)) + bytes(15) + b"\x20")),
    "dac_in_huffman": inserted(plain, 0xC0, conditioning((0, 0x42))),
}
for size in ((300, 200), (2500, 1500), (900, 3)):
    wide = bytearray(plain[: scan + 14])
    wide[cut + 5 : cut + 9] = size[1].to_bytes(2, "big") + size[0].to_bytes(2, "big")
    for n in (0, 1, 9):
        streams[f"no_data_{size[0]}_{size[1]}_{n}"] = bytes(wide) + plain[scan + 14 : scan + 14 + n] + end
        streams[f"no_data_{size[0]}_{size[1]}_{n}_no_end"] = bytes(wide) + plain[scan + 14 : scan + 14 + n]
thin = bytearray(encoded(drawing(40, 30), progressive=True))
at = next(at for at, marker in segments(thin) if marker == 0xC2)
thin[at + 5 : at + 9] = (700).to_bytes(2, "big") + (900).to_bytes(2, "big")
streams["no_data_progressive"] = bytes(thin[: scans(thin)[1]]) + end
files.update((f"{name}.jpg", data) for name, data in streams.items())


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
