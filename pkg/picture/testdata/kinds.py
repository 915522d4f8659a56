"""Writes kinds.zip and kinds.json with Pillow 13: odd and damaged pictures that people have, one small one of each kind.

    python kinds.py

kinds.json has, for each file, what Image.open(...).convert("RGB") gives, as [width, height, SHA-256 of the pixels], or
the empty list where Pillow refuses it.
"""
import hashlib
import io
import json
import pathlib
import struct
import warnings
import zipfile
import zlib

import numpy as np
from PIL import Image

warnings.simplefilter("ignore")
here = pathlib.Path(__file__).parent
rng = np.random.RandomState(15)
files = {}
y, x = np.mgrid[:29, :37]
src = Image.fromarray(np.stack([x * 6, y * 8, (x * y) % 256], 2).astype(np.uint8))
gray = src.convert("L")
alpha = src.copy()
alpha.putalpha(gray)


def saved(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def chunk(name, body, checksum=None):
    checksum = zlib.crc32(name + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def png():
    raw = b"".join(b"\0" + row.tobytes() for row in np.asarray(src))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 37, 29, 8, 2, 0, 0, 0))
    end, z, text = chunk(b"IEND", b""), zlib.compress(raw), (b"tEXt", b"a\0b")
    image = chunk(b"IDAT", z)
    for name, data in {
        "idat_checksum": chunk(b"IDAT", z, 5) + end, "iend_checksum": image + chunk(b"IEND", b"", 5),
        "iend_missing": image, "adler": chunk(b"IDAT", z[:-4] + b"abcd") + end,
        "adler_missing": chunk(b"IDAT", z[:-4]) + end, "rows_missing": chunk(b"IDAT", zlib.compress(raw[: 112 * 5])) + end,
        "half_a_row": chunk(b"IDAT", zlib.compress(raw[:700])) + end, "more_rows": chunk(b"IDAT", zlib.compress(raw * 2)) + end,
        "behind_stream": chunk(b"IDAT", z + b"more") + end, "text_checksum": chunk(*text, 7) + image + end,
        "text_checksum_after": image + chunk(*text, 7) + end, "text_cut_after": image + chunk(*text)[:-6],
        "split": chunk(b"IDAT", z[:99]) + chunk(b"IDAT", b"") + chunk(b"IDAT", z[99:]) + end,
        "text_within": chunk(b"IDAT", z[:99]) + chunk(*text) + chunk(b"IDAT", z[99:]) + end,
        "filter": chunk(b"IDAT", zlib.compress(b"\x09" + raw[1:])) + end, "no_picture": end,
        "short_gamma": chunk(b"gAMA", b"ab") + image + end, "garbage_after": image + b"\0" * 20,
    }.items():
        files[name + ".png"] = start + data
    header = bytearray(start + image + end)
    header[30] ^= 1
    files["header_checksum.png"] = bytes(header)


def gif_codes(codes, bits):
    """Sub-blocks of codes that grow as the table does, which is full at 4096."""
    size, following, number, count = bits + 1, (1 << bits) + 2, 0, 0
    first = True
    for code in codes:
        number |= code << count
        count += size
        if code == 1 << bits:
            size, following, first = bits + 1, (1 << bits) + 2, True
            continue
        if not first and following < 4096:
            if following == (1 << size) - 1 and size < 12:
                size += 1
            following += 1
        first = False
    body = number.to_bytes((count + 7) // 8, "little")
    blocks = b"".join(bytes([len(body[i : i + 255])]) + body[i : i + 255] for i in range(0, len(body), 255))
    return bytes([bits]) + blocks + b"\0"


def gif():
    palette = bytes(rng.randint(0, 256, 768, np.uint8))

    def of(w, h, codes, bits, colors=256):
        table = colors.bit_length() - 2
        return (b"GIF89a" + struct.pack("<HHBBB", w, h, 0x80 | table, 0, 0) + palette[: 3 * colors]
                + b"," + struct.pack("<HHHHB", 0, 0, w, h, 0) + gif_codes(codes, bits) + b";")

    noise = [int(v) for v in rng.randint(0, 256, 80 * 80)]
    files["full_table.gif"] = of(80, 80, [256] + noise + [257], 8)
    files["no_end.gif"] = of(80, 80, [256] + noise, 8)
    files["early_end.gif"] = of(80, 80, [256] + noise[:3000] + [257], 8)
    files["no_clear.gif"] = of(10, 10, noise[:100], 8)
    files["one_bit.gif"] = of(16, 4, [2] + [int(v) for v in rng.randint(0, 2, 64)] + [3], 1, 2)
    files["next_code.gif"] = of(9, 1, [4, 1, 6, 7, 2, 2, 1, 5], 2, 4)
    files["past_table.gif"] = of(9, 1, [4, 1, 7, 7], 2, 4)
    files["outside.gif"] = (b"GIF89a" + struct.pack("<HHBBB", 3, 2, 0x80, 0, 0) + palette[:6] + b","
                            + struct.pack("<HHHHB", 1, 1, 4, 4, 0) + gif_codes([4, 1, 6, 7, 8, 9, 1], 2) + b";")
    files["empty_frame.gif"] = of(0, 4, [4, 5], 2, 4)


def bmp():
    for name, picture in (("palette", src.quantize(200)), ("bilevel", src.convert("1")), ("gray", gray)):
        data = saved(picture, "BMP")
        files[f"{name}_offset.bmp"] = data[:10] + struct.pack("<I", 54) + data[14:]
        files[f"{name}_no_offset.bmp"] = data[:10] + struct.pack("<I", 0) + data[14:]
        files[f"{name}_reserved.bmp"] = data[:6] + b"abcd" + data[10:]
    data = saved(src, "BMP")
    files["no_offset.bmp"] = data[:10] + struct.pack("<I", 0) + data[14:]
    files["cut.bmp"] = data[:-200]
    files["top_down.bmp"] = data[:22] + struct.pack("<i", -29) + data[26:]
    files["clipboard.dib"] = data[14:]

    def runs(body, bits, compression, w=9, h=4, colors=16):
        palette = rng.randint(0, 256, 4 * colors, np.uint8).tobytes()
        header = struct.pack("<IiiHHIIiiII", 40, w, h, 1, bits, compression, len(body), 0, 0, colors, 0)
        return b"BM" + struct.pack("<III", 54 + len(palette) + len(body), 0, 54 + len(palette)) + header + palette + body

    end = b"\0\1"
    for name, body in {
        "plain": b"\x09\1\0\0\x09\2\0\0\x09\3\0\0\x09\4", "over": b"\x0d\1\0\0\x09\2\x09\7\0\0\x09\3\0\0\x09\4",
        "delta": b"\3\1\0\2\2\1\x04\2\0\0\x09\2\0\0\x09\3", "short": b"\x09\1\x09\2",
        "empty_rows": b"\0\0\0\0\x09\1\0\0\x09\2\0\0\x09\3\0\0\x09\4", "no_literals_end": b"\0\x09\1\2\3",
        "literal": b"\0\4\1\2\3\4\5\1\0\0\x09\2\0\0\x09\3\0\0\x09\4",
    }.items():
        files[f"rle8_{name}.bmp"] = runs(body + end, 8, 1)
        files[f"rle4_{name}.bmp"] = runs(body + end, 4, 2)


def tiff(tags, body, order="<", extra=b""):
    """One strip after the directory; a tag is (number, type, values)."""
    size = {1: 1, 3: 2, 4: 4}
    tags = sorted(tags + [(273, 4, [8 + 2 + 12 * (len(tags) + 2) + 4]), (279, 4, [len(body)])])
    directory, far = b"", b""
    at = 8 + 2 + 12 * len(tags) + 4 + len(body)
    for number, kind, values in tags:
        data = struct.pack(order + {1: "B", 3: "H", 4: "I"}[kind] * len(values), *values)
        if len(data) > 4:
            data, far = struct.pack(order + "I", at + len(far)), far + data
        directory += struct.pack(order + "HHI", number, kind, len(values)) + data.ljust(4, b"\0")
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return (mark + struct.pack(order + "IH", 8, len(tags)) + directory + struct.pack(order + "I", 0) + body + far + extra)


def described(w, h, bits, photometric, compression=1, samples=None, extra=()):
    tags = [(256, 3, [w]), (257, 3, [h]), (258, 3, bits), (259, 3, [compression]), (277, 3, [samples or len(bits)]),
            (278, 3, [h])] + list(extra)
    return tags + ([(262, 3, [photometric])] if photometric is not None else [])


def tif():
    for name in ("zstd", "lzma", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        files[f"{name}.tif"] = saved(src, "TIFF", compression=name)
        files[f"{name}_predictor.tif"] = saved(src, "TIFF", compression=name, tiffinfo={317: 2})
    for name in ("lzma", "tiff_lzw", "tiff_adobe_deflate"):
        data = bytearray(files[f"{name}.tif"])
        data[300:310] = b"\xff\0\xff\0\xff\0\xff\0\xff\0"
        files[f"{name}_damaged.tif"] = bytes(data)
    for name, picture in (("cmyk", src.convert("CMYK")), ("alpha", alpha), ("gray_alpha", alpha.convert("LA"))):
        files[f"jpeg_{name}.tif"] = saved(picture, "TIFF", compression="jpeg")
    for kind in ("group3", "group4", "tiff_ccitt"):
        files[f"{kind}.tif"] = saved(src.convert("1"), "TIFF", compression=kind)
    files["group3_2d.tif"] = saved(src.convert("1"), "TIFF", compression="group3", tiffinfo={292: 1})
    files["group3_aligned.tif"] = saved(src.convert("1"), "TIFF", compression="group3", tiffinfo={292: 5})
    wide = Image.fromarray((rng.randint(0, 40, (12, 3000)) > 0).astype(np.uint8) * 255).convert("1")
    for kind, info in (("group3", {292: 1}), ("group4", {}), ("tiff_ccitt", {})):
        files[f"wide_{kind}.tif"] = saved(wide, "TIFF", compression=kind, tiffinfo=info)
    noise = rng.randint(0, 256, 2000, np.uint8).tobytes()
    files["no_photometric.tif"] = tiff(described(9, 7, [8], None), noise[:63])
    files["no_photometric_1.tif"] = tiff(described(9, 7, [1], None), noise[:14])
    files["gray12.tif"] = tiff(described(9, 7, [12], 1), noise[: 14 * 7])
    files["gray12_dark.tif"] = tiff(described(8, 7, [12], 1), bytes(v & (15, 255, 240)[i % 3] & 31 for i, v in enumerate(noise[:84])))
    files["more_bits.tif"] = tiff(described(9, 7, [8, 8, 8], 1, samples=1), noise[:63])
    floats = (np.arange(63).reshape(7, 9) * 5.3 - 20).astype(">f4")
    rows = np.diff(np.ascontiguousarray(floats.view(np.uint8).reshape(7, 9, 4).transpose(0, 2, 1).reshape(7, 36)), axis=1, prepend=np.uint8(0))
    files["float_predictor.tif"] = tiff(described(9, 7, [32], 1, 8, extra=[(339, 3, [3]), (317, 3, [3])]), zlib.compress(rows.astype(np.uint8).tobytes()))
    for h, v in ((1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (4, 2), (4, 4)):
        size = -(-13 // h) * -(-11 // v) * (h * v + 2)
        files[f"ycbcr_{h}{v}.tif"] = tiff(described(13, 11, [8, 8, 8], 6, 8, extra=[(530, 3, [h, v])]), zlib.compress(noise[:size]))
    files["ycbcr_default.tif"] = tiff(described(13, 11, [8, 8, 8], 6, 8), zlib.compress(noise[: 7 * 6 * 6]))
    files["half_float.tif"] = tiff(described(9, 7, [16], 1, extra=[(339, 3, [3])]), noise[:126])
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        whole = saved(src, "JPEG", subsampling=sampling, quality=80)
        tags = described(37, 29, [8, 8, 8], 6, 6, extra=[(513, 4, [0]), (514, 4, [len(whole)])])
        at = 8 + 2 + 12 * (len(tags) + 2) + 4
        tags = described(37, 29, [8, 8, 8], 6, 6, extra=[(513, 4, [at]), (514, 4, [len(whole)])])
        files[f"old_jpeg_{name}.tif"] = tiff(tags, whole)


def jp2():
    """JPEG 2000: both wavelets, every order of packets, tiles, layers, styles of gray and alpha, depths, damage."""
    for name, picture in (("rgb", src), ("gray", gray), ("rgba", alpha), ("la", gray.convert("LA"))):
        for real in (False, True):
            files[f"{name}_{'real' if real else 'whole'}.jp2"] = saved(picture, "JPEG2000", irreversible=real)
    deep = Image.fromarray((np.asarray(gray).astype(np.uint16) * 3).astype(np.uint16))
    files["gray16.jp2"] = saved(deep, "JPEG2000")
    for order in ("LRCP", "RLCP", "RPCL", "PCRL", "CPRL"):
        files[f"order_{order}.j2k"] = saved(src, "JPEG2000", no_jp2=True, progression=order, precinct_size=(16, 8), codeblock_size=(8, 8),
                                            quality_mode="rates", quality_layers=[40, 10, 2], num_resolutions=4)
    files["tiles.jp2"] = saved(src, "JPEG2000", tile_size=(16, 13), num_resolutions=3)
    files["tiles_offset.j2k"] = saved(src, "JPEG2000", no_jp2=True, offset=(5, 3), tile_offset=(2, 1), tile_size=(17, 12), num_resolutions=3, irreversible=True)
    files["no_wavelet.jp2"] = saved(src, "JPEG2000", num_resolutions=1)
    files["unmixed.jp2"] = saved(src, "JPEG2000", mct=0)
    files["sizes_1x1.jp2"] = saved(src.crop((0, 0, 1, 1)), "JPEG2000", num_resolutions=1)
    files["sizes_2x9.jp2"] = saved(src.crop((0, 0, 2, 9)), "JPEG2000", num_resolutions=2)
    whole = files["rgb_whole.jp2"]
    for part in (0.95, 0.6, 0.3, 0.1):
        files[f"cut_{part}.jp2"] = whole[: int(len(whole) * part)]
    for i, at in enumerate(range(150, len(whole) - 10, max(1, len(whole) // 12))):
        files[f"turned_{i}.jp2"] = whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:]


png(), gif(), bmp(), tif(), jp2()
answers = {}
for name, data in files.items():
    try:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        answers[name] = [*picture.size, hashlib.sha256(picture.tobytes()).hexdigest()]
    except Exception:
        answers[name] = []
with zipfile.ZipFile(here / "kinds.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for name in sorted(files):
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), files[name], zipfile.ZIP_DEFLATED)
lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(answers[name])}" for name in sorted(answers))
(here / "kinds.json").write_text("{\n" + lines + "\n}\n")
print(len(files), "files,", sum(not a for a in answers.values()), "refused")
