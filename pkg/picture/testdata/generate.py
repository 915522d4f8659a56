"""Writes the fixtures of this folder with Pillow 13, the library whose pixels are to be matched.

    python generate.py                # pictures.zip, pictures.json, resize.json
    python generate.py CUB10_FOLDER   # and cub10_sha256.json

pictures.zip     one small picture of each kind; nothing in it is a photograph
pictures.json    for each: what Image.open(...).convert("RGB") gives, as [width, height, SHA-256 of the pixels]
resize.json      for a picture that resize_test.go draws too: what Image.resize(..., BILINEAR) gives
cub10_sha256.json   the first 16 digits of the SHA-256 of each photograph's pixels (the photographs stay where they are)
"""
import hashlib
import io
import json
import pathlib
import random
import struct
import sys
import warnings
import zipfile
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps

warnings.simplefilter("ignore")
here = pathlib.Path(__file__).parent
rng = np.random.RandomState(1)
files = {}


def drawing(w, h):
    """Smooth shades with sharp edges and some grain."""
    y, x = np.mgrid[:h, :w].astype(float)
    rgb = np.stack([128 + 120 * np.sin(x / 5 + y / 9), 255 * y / h, 128 + 120 * np.cos(x * y / 70)], 2)
    rgb[h // 4 : h // 2, w // 3 : w // 2] = (230, 30, 60)
    rgb[(x - y) ** 2 < 9] = (10, 240, 250)
    return Image.fromarray(np.clip(rgb + rng.randint(-9, 10, rgb.shape), 0, 255).astype(np.uint8))


def add(name, picture, **options):
    out = io.BytesIO()
    kind = {"jpg": "JPEG", "tif": "TIFF", "pgm": "PPM", "pbm": "PPM"}.get(name.split(".")[-1], name.split(".")[-1].upper())
    picture.save(out, kind, **options)
    files[name] = out.getvalue()


def noise(n):
    return rng.randint(0, 256, n, np.uint8).tobytes()


src = drawing(37, 29)
gray, palette = src.convert("L"), src.quantize(64)
alpha = src.copy()
alpha.putalpha(Image.linear_gradient("L").resize(src.size))
gray16 = np.asarray(gray).astype(np.uint16)
grain = Image.fromarray(rng.randint(0, 256, (19, 21, 3), np.uint8))


def jpeg():
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        for quality in (5, 90):
            add(f"{name}_{quality}.jpg", src, subsampling=sampling, quality=quality)
            add(f"{name}_{quality}_progressive.jpg", src, subsampling=sampling, quality=quality, progressive=True)
    for size in ((1, 1), (2, 3), (5, 1), (1, 5), (6, 3), (8, 8), (16, 16), (17, 33)):
        for sampling in (1, 2):
            add(f"{size[0]}x{size[1]}_{sampling}.jpg", src.resize(size), subsampling=sampling)
    add("restart.jpg", src, restart_marker_blocks=2)
    add("restart_progressive.jpg", src, restart_marker_rows=1, progressive=True)
    add("optimized.jpg", src, optimize=True)
    add("rgb.jpg", src, keep_rgb=True)
    add("gray.jpg", gray)
    add("gray_progressive.jpg", gray, progressive=True)
    add("cmyk.jpg", src.convert("CMYK"))
    add("cmyk_progressive.jpg", src.convert("CMYK"), subsampling=2, progressive=True)
    for quality in (1, 100):
        add(f"grain_{quality}.jpg", grain, quality=quality)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        add(f"exif_{orientation}.jpg", src.resize((13, 9)), exif=exif)


    for name, sampling in (("411", 0x411111), ("440", 0x121111)):  # Pillow does not write these
        for size in ((37, 29), (3, 5), (2, 17)):
            pixels = np.asarray(src)[: size[1], : size[0], ::-1]
            files[f"{name}_{size[0]}x{size[1]}.jpg"] = cv2.imencode(
                ".jpg", np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling])[1].tobytes()
    for name in ("cmyk", "rgb"):  # other colours by Adobe's marker, and none
        data = files[f"{name}.jpg"]
        marker = data.index(b"\xff\xee")
        for transform in (1, 2):
            files[f"{name}_adobe{transform}.jpg"] = data[: marker + 15] + bytes([transform]) + data[marker + 16 :]
        files[f"{name}_no_adobe.jpg"] = data[:marker] + data[marker + 16 :]
    data = bytearray(files["gray.jpg"])
    data[data.index(b"\xff\xc0") + 11] = 0x22
    files["gray_2x2.jpg"] = bytes(data)


def png_bytes(w, h, depth, kind, rows, extra=b"", interlaced=0):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, interlaced)
    extra = b"".join(chunk(extra[i][0], extra[i][1]) for i in range(len(extra)))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def png():
    for name, picture in (("rgb", src), ("alpha", alpha), ("gray", gray), ("gray_alpha", alpha.convert("LA")),
                          ("palette", palette), ("bilevel", src.convert("1"))):
        add(f"{name}.png", picture)
    add("palette_transparent.png", palette, transparency=bytes(range(64)))
    add("gray_transparent.png", gray, transparency=100)
    add("gray16.png", Image.fromarray(gray16 * 257))
    add("gray16_dark.png", Image.fromarray(gray16 * 3))
    for bits in (1, 2, 4):
        add(f"palette_{bits}.png", src.quantize(2**bits), bits=bits)
    add("animated.png", src, save_all=True, append_images=[src.rotate(90)])

    def rows(depth, channels):
        return b"".join(b"\0" + noise((9 * depth * channels + 7) // 8) for _ in range(7))

    for depth in (1, 2, 4, 8, 16):
        files[f"depth{depth}.png"] = png_bytes(9, 7, depth, 0, rows(depth, 1))
    for kind, channels, name in ((2, 3, "rgb"), (4, 2, "gray_alpha"), (6, 4, "alpha")):
        files[f"{name}16.png"] = png_bytes(9, 7, 16, kind, rows(16, channels))
    files["gray16_transparent.png"] = png_bytes(9, 7, 16, 0, rows(16, 1), [(b"tRNS", b"\1\2")])
    files["rgb16_transparent.png"] = png_bytes(9, 7, 16, 2, rows(16, 3), [(b"tRNS", b"\1\2" * 3)])
    files["past_palette.png"] = png_bytes(9, 7, 8, 3, rows(8, 1), [(b"PLTE", bytes(range(30)))])
    passes = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for row in np.asarray(src)[y0::dy, x0::dx]:
            passes += b"\0" + np.ascontiguousarray(row).tobytes()
    files["interlaced.png"] = png_bytes(*src.size, 8, 2, passes, interlaced=1)


def gif_bytes(screen, frame, background, table=True, transparent=None, interlaced=False, local=None):
    picture = Image.fromarray(rng.randint(0, 4, (frame[3], frame[2]), np.uint8), "P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    out = io.BytesIO()
    picture.save(out, "GIF", optimize=False, interlace=0)
    data = out.getvalue()
    at = data.index(b",", 13 + (3 * (2 << (data[10] & 7)) if data[10] & 128 else 0))
    flags = data[at + 9]
    codes = data[at + 10 + (3 * (2 << (flags & 7)) if flags & 128 else 0):]
    result = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x81 if table else 0, background, 0)
    if table:
        result += bytes([10, 20, 30, 200, 100, 50, 5, 250, 5, 90, 80, 255])
    if transparent is not None:
        result += b"!\xf9\x04\x01\0\0" + bytes([transparent]) + b"\0"
    result += b"," + struct.pack("<HHHHB", *frame, (0x81 if local else 0) | (0x40 if interlaced else 0))
    return result + bytes(local or []) + codes


def gif():
    add("palette.gif", palette)
    add("interlaced.gif", palette, interlace=1)
    add("transparent.gif", palette, transparency=5)
    add("gray.gif", gray)
    add("bilevel.gif", src.convert("1"))
    add("animated.gif", palette, save_all=True, append_images=[src.rotate(180).quantize(32)])
    local = list(range(1, 121, 10))
    files["offset.gif"] = gif_bytes((20, 15), (3, 4, 10, 8), 2)
    files["offset_transparent.gif"] = gif_bytes((20, 15), (3, 4, 10, 8), 2, transparent=1)
    files["no_table.gif"] = gif_bytes((20, 15), (0, 0, 20, 15), 0, table=False)
    files["local.gif"] = gif_bytes((20, 15), (2, 2, 9, 9), 1, local=local)
    files["interlaced_rows.gif"] = gif_bytes((20, 15), (0, 0, 20, 15), 0, interlaced=True)
    files["larger_frame.gif"] = gif_bytes((8, 6), (2, 2, 20, 15), 1)


def bmp_bytes(bits, data, compression=0, height=6, table=b"", masks=b"", header=40, colors=0):
    info = struct.pack("<IiiHHIIiiII", header, 10, height, 1, bits, compression, len(data), 2835, 2835, colors, 0)
    if header > 40:
        info, masks = info + masks.ljust(header - 40, b"\0"), b""
    start = 14 + len(info) + len(masks) + len(table)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + info + masks + table + data


def bmp():
    for name, picture in (("rgb", src), ("gray", gray), ("palette", palette), ("bilevel", src.convert("1")), ("alpha", alpha)):
        add(f"{name}.bmp", picture)
    table = noise(64)
    files["16.bmp"] = bmp_bytes(16, noise(120))
    files["565.bmp"] = bmp_bytes(16, noise(120), 3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    files["32.bmp"] = bmp_bytes(32, noise(240))
    files["topdown.bmp"] = bmp_bytes(24, noise(192), height=-6)
    files["bitfields.bmp"] = bmp_bytes(32, noise(240), 3, masks=struct.pack("<IIII", 0xFF000000, 0xFF0000, 0xFF00, 0xFF), header=108)
    files["4.bmp"] = bmp_bytes(4, noise(48), table=table, colors=16)
    files["past_palette.bmp"] = bmp_bytes(8, noise(72), table=table, colors=16)
    runs = b"".join(bytes([5, y * 3, 0, 3, 1, 2, 3, 0, 2, 7, 0, 0]) for y in range(6)) + b"\0\1"
    files["rle8.bmp"] = bmp_bytes(8, runs, 1, table=noise(1024))
    runs = b"".join(bytes([5, y * 3 + 16, 0, 3, 0x12, 0x30, 2, 7, 0, 0]) for y in range(6)) + b"\0\1"
    files["rle4.bmp"] = bmp_bytes(4, runs, 2, table=table, colors=16)
    files["os2.bmp"] = b"BM" + struct.pack("<IHHI", 0, 0, 0, 74) + struct.pack("<IHHHH", 12, 10, 6, 1, 4) + noise(48 + 48)


def netpbm():
    add("rgb.ppm", src)
    add("gray.pgm", gray)
    add("bilevel.pbm", src.convert("1"))
    files["plain.ppm"] = b"P3\n# a comment\n4 2\n255\n" + b" ".join(b"%d" % x for x in range(0, 240, 10)) + b"\n"
    files["plain.pgm"] = b"P2 4 2 100 " + b" ".join(b"%d" % x for x in range(0, 80, 10)) + b"\n"
    files["plain.pbm"] = b"P1\n4 2\n0 1 1 0\n1001\n"
    files["max100.ppm"] = b"P6 4 2 100\n" + bytes(range(0, 96, 4))
    files["max1000.ppm"] = b"P6 4 2 1000\n" + struct.pack(">24H", *range(0, 960, 40))
    files["max65535.ppm"] = b"P6 4 2 65535\n" + noise(48)
    files["max300.pgm"] = b"P5 4 2 300\n" + struct.pack(">8H", *range(0, 320, 40))
    files["max65535.pgm"] = b"P5 4 2 65535\n" + struct.pack(">8H", *range(0, 480, 60))
    files["comments.ppm"] = b"P6\n#x\n2 #y\n1\n#z\n255\n" + bytes(range(6))


def webp():
    for quality in (5, 90):
        add(f"{quality}.webp", src, quality=quality)
    add("alpha.webp", alpha, quality=50)
    add("lossless.webp", src, lossless=True)
    add("lossless_alpha.webp", alpha, lossless=True, exact=True)
    for size in ((1, 1), (2, 2), (3, 5), (17, 15)):
        add(f"{size[0]}x{size[1]}.webp", src.resize(size), quality=70)
    add("animated.webp", src, save_all=True, append_images=[src.rotate(90)], quality=70)


def tiff():
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        for name, picture in (("rgb", src), ("palette", palette), ("cmyk", src.convert("CMYK")), ("gray_alpha", alpha.convert("LA"))):
            add(f"{name}_{compression}.tif", picture, **({"compression": compression} if compression else {}))
    for compression in ("group3", "group4"):
        add(f"{compression}.tif", src.convert("1"), compression=compression)
    add("jpeg.tif", src, compression="jpeg")
    add("jpeg_gray.tif", gray, compression="jpeg")
    add("gray16.tif", Image.fromarray(gray16 * 3))
    add("float.tif", gray.convert("F"))
    add("int.tif", gray.convert("I"))
    add("predictor.tif", src, compression="tiff_lzw", tiffinfo={317: 2})
    add("strips.tif", src, tiffinfo={278: 5})
    add("big.tif", src, big_tiff=True)
    add("turned.tif", src, tiffinfo={274: 6})


def answer(picture):
    rgb = picture.convert("RGB")
    return [*rgb.size, hashlib.sha256(rgb.tobytes()).hexdigest()]


def pattern(w, h):
    """The bytes that resize_test.go draws: a linear congruential generator's high bytes."""
    out, state = bytearray(), w * 65536 + h
    for _ in range(w * h * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state >> 24)
    return Image.frombytes("RGB", (w, h), bytes(out))


def resize():
    random.seed(2)
    side = lambda: random.choice((1, 2, 3, 7, 16, 31, 64, 99, random.randint(1, 150)))
    cases = []
    for _ in range(60):
        w, h, w2, h2 = side(), side(), side(), side()
        cases.append([w, h, *answer(pattern(w, h).resize((w2, h2), Image.BILINEAR))])
    (here / "resize.json").write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")


def lines(table):
    return "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(table.items())) + "\n}\n"


if __name__ == "__main__":
    for make in (jpeg, png, gif, bmp, netpbm, webp, tiff):
        make()
    with zipfile.ZipFile(here / "pictures.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
    opened = {name: Image.open(io.BytesIO(data)) for name, data in files.items()}
    table = {name: answer(picture) for name, picture in opened.items()}
    table.update({f"upright {name}": answer(ImageOps.exif_transpose(p)) for name, p in opened.items() if "exif" in name})
    (here / "pictures.json").write_text(lines(table))
    resize()
    if len(sys.argv) > 1:
        root = pathlib.Path(sys.argv[1])
        table = {p.relative_to(root).as_posix(): answer(Image.open(p))[2][:16] for p in sorted(root.rglob("*.jpg"))}
        (here / "cub10_sha256.json").write_text(lines(table))
    print(len(files), "pictures")
