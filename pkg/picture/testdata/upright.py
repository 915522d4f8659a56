"""Writes upright.zip and upright.json with Pillow 13: files that say in every way how their pictures are to be held.

    python upright.py

upright.json has, for each file, what Image.open(...) gives through convert("RGB") and, after that, through
ImageOps.exif_transpose first, each as [width, height, SHA-256 of the pixels]; where exif_transpose fails, the picture as
it lies stands for it.
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
from PIL import Image, ImageOps

warnings.simplefilter("ignore")
here = pathlib.Path(__file__).parent
y, x = np.mgrid[:3, :5]
src = Image.fromarray(np.stack([x * 50, y * 80, (x + y) * 20], 2).astype(np.uint8))
large = src.resize((24, 16), Image.Resampling.BICUBIC)
CODES = {1: "B", 2: "c", 3: "H", 4: "L", 5: "L", 6: "b", 7: "B", 8: "h", 9: "l", 10: "l", 11: "f", 12: "d", 13: "L", 16: "Q"}


def saved(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def value(kind, numbers, order):
    if kind == 2:
        return b"".join(str(n).encode() for n in numbers) + b"\0"
    return struct.pack(f"{order}{len(numbers)}{CODES[kind]}", *numbers)


def entry(tag, kind, numbers, order, at, count=None):
    """An entry and the bytes that lie at `at`."""
    data = numbers if isinstance(numbers, bytes) else value(kind, numbers, order)
    size = {5: 8, 10: 8}.get(kind, struct.calcsize("=" + CODES[kind]))
    head = struct.pack(order + "HHL", tag, kind, len(data) // size if count is None else count)
    if len(data) <= 4:
        return head + data.ljust(4, b"\0"), b""
    return head + struct.pack(order + "L", at), data


def exif(kind=3, numbers=(6,), order="<", before=(), after=(), magic=None, count=None):
    """A directory with the orientation, entries before it and after it."""
    entries = [*before, (274, kind, numbers, count), *after]
    at, body, rest = 8 + 2 + 12 * len(entries) + 4, b"", b""
    for tag, k, n, c in entries:
        one, data = entry(tag, k, n, order, at + len(rest), c)
        body, rest = body + one, rest + data
    magic = magic or (b"II\x2a\0" if order == "<" else b"MM\0\x2a")
    return magic + struct.pack(order + "LH", 8, len(entries)) + body + struct.pack(order + "L", 0) + rest


def xmp(o, form='="%s"'):
    return ('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation' + form + "/></x:xmpmeta>") .encode() % (
        str(o).encode())


def segment(body, marker=0xE1):
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg(*segments):
    plain = saved(large, "JPEG", quality=90, subsampling=0)
    return plain[:2] + b"".join(segments) + plain[2:]


def EXIF(data):
    return segment(b"Exif\0\0" + data)


def XMP(data):
    return segment(b"http://ns.adobe.com/xap/1.0/\0" + data)


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(before=b"", after=b""):
    plain = saved(src, "PNG")
    head, end = 8 + 25, len(plain) - 12
    return plain[:head] + before + plain[head:end] + after + plain[end:]


def itxt(data, packed=False):
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0" + (b"\1\0" if packed else b"\0\0") + b"en\0key\0" + (
        zlib.compress(data) if packed else data))


def profile(data, key=b"exif", junk=""):
    lines = "\n".join(data.hex()[i:i + 72] for i in range(0, 2 * len(data), 72))
    return b"Raw profile type " + key + b"\0", f"\n{key.decode()}\n{len(data):8}\n{junk}{lines}\n".encode()


def ztxt(key, text):
    return chunk(b"zTXt", key + b"\0\0" + zlib.compress(text))


def text(key, text):
    return chunk(b"tEXt", key + text)


def webp(flags, *chunks, behind=True):
    body = saved(src, "WEBP", lossless=True)[12:]
    head = b"VP8X" + struct.pack("<I", 10) + bytes([flags or 0, 0, 0, 0, 4, 0, 0, 2, 0, 0])
    more = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    all = (head if flags is not None else b"") + (body + more if behind else more + body)
    return b"RIFF" + struct.pack("<I", len(all) + 4) + b"WEBP" + all


def tiff(order="<", big=False, packed=False, **more):
    pixels = src.tobytes()
    if packed:
        pixels = zlib.compress(pixels)
    given = [(256, 3, (5,)), (257, 3, (3,)), (258, 3, (8, 8, 8)), (259, 3, (8 if packed else 1,)), (262, 3, (2,)), (273, 4, None),
             (277, 3, (3,)), (278, 3, (3,)), (279, 4, (len(pixels),))] + more.get("tags", [])
    given.sort(key=lambda t: t[0])
    wide = 8 if big else 4
    at = (16 + 8 + 20 * len(given) + 8) if big else (8 + 2 + 12 * len(given) + 4)
    rest, body, strips = pixels + b"\0" * (len(pixels) % 2), b"", at
    for tag, kind, numbers in given:
        data = numbers if isinstance(numbers, bytes) else value(kind, (strips,) if numbers is None else numbers, order)
        size = {5: 8, 10: 8}.get(kind, struct.calcsize("=" + CODES[kind]))
        body += struct.pack(order + ("HHQ" if big else "HHL"), tag, kind, len(data) // size)
        if len(data) <= wide:
            body += data.ljust(wide, b"\0")
        else:
            body += struct.pack(order + ("Q" if big else "L"), at + len(rest))
            rest += data + b"\0" * (len(data) % 2)
    magic = b"II" if order == "<" else b"MM"
    if big:
        return magic + struct.pack(order + "HHHQQ", 43, 8, 0, 16, len(given)) + body + struct.pack(order + "Q", 0) + rest
    return magic + struct.pack(order + "HLH", 42, 8, len(given)) + body + struct.pack(order + "L", 0) + rest


files = {}
for o in range(0, 10):
    e = exif(numbers=(o,))
    files |= {
        f"exif{o}.jpg": jpeg(EXIF(e)), f"xmp{o}.jpg": jpeg(XMP(xmp(o))), f"exif{o}.png": png(chunk(b"eXIf", e)),
        f"after{o}.png": png(after=chunk(b"eXIf", e)), f"xmp{o}.png": png(itxt(xmp(o))),
        f"profile{o}.png": png(ztxt(*(p.rstrip(b"\0") for p in profile(b"Exif\0\0" + e)))),
        f"exif{o}.webp": webp(8, (b"EXIF", e)), f"xmp{o}.webp": webp(4, (b"XMP ", xmp(o))),
        f"tag{o}.tif": tiff(tags=[(274, 3, (o,))]), f"xmp{o}.tif": tiff(tags=[(700, 1, xmp(o))]),
    }
types = {
    "byte": dict(kind=1, numbers=(6,)), "ascii": dict(kind=2, numbers=(6,)), "long": dict(kind=4, numbers=(6,)),
    "rational": dict(kind=5, numbers=(6, 1)), "twelve_halves": dict(kind=5, numbers=(12, 2)),
    "odd_rational": dict(kind=5, numbers=(13, 2)), "by_zero": dict(kind=5, numbers=(6, 0)),
    "nought_by_zero": dict(kind=5, numbers=(0, 0)), "sbyte": dict(kind=6, numbers=(6,)),
    "undefined": dict(kind=7, numbers=(6,)), "sshort": dict(kind=8, numbers=(6,)), "slong": dict(kind=9, numbers=(6,)),
    "negative": dict(kind=9, numbers=(-6,)), "srational": dict(kind=10, numbers=(-6, -1)),
    "float": dict(kind=11, numbers=(6.0,)), "odd_float": dict(kind=11, numbers=(6.5,)),
    "double": dict(kind=12, numbers=(6.0,)), "nan": dict(kind=12, numbers=(float("nan"),)),
    "ifd": dict(kind=13, numbers=(6,)), "long8": dict(kind=16, numbers=(6,)), "two": dict(numbers=(6, 3)),
    "three": dict(numbers=(6, 3, 8)), "two_longs": dict(kind=4, numbers=(8, 3)), "none": dict(numbers=(6,), count=0),
    "big_number": dict(numbers=(1536,)), "big_long": dict(kind=4, numbers=(6 << 16,)),
}
for name, one in types.items():
    for order, end in (("<", "little"), (">", "big")):
        files[f"{name}_{end}.jpg"] = jpeg(EXIF(exif(order=order, **one)))
    kind, numbers = one.get("kind", 3), one["numbers"]
    files[f"{name}.png"] = png(chunk(b"eXIf", exif(order=">", **one)), itxt(xmp(8)))
    if name not in ("none", "ascii"):
        files[f"{name}.tif"] = tiff(tags=[(274, kind, numbers)])
        files[f"{name}_xmp.tif"] = tiff(order=">", tags=[(274, kind, numbers), (700, 1, xmp(8))])
e6, e8 = exif(), exif(numbers=(8,))
name, profiled = profile(e6)
far = (270, 2, b"x" * 9, 9999)  # out of the data
files |= {
    # both
    "exif_then_xmp.jpg": jpeg(EXIF(e6), XMP(xmp(8))), "xmp_then_exif.jpg": jpeg(XMP(xmp(8)), EXIF(e6)),
    "one_then_xmp.jpg": jpeg(EXIF(exif(numbers=(1,))), XMP(xmp(8))),
    "untagged_then_xmp.jpg": jpeg(EXIF(exif().replace(struct.pack("<H", 274), struct.pack("<H", 275))), XMP(xmp(8))),
    "both.png": png(chunk(b"eXIf", e6) + itxt(xmp(8))), "both.webp": webp(12, (b"EXIF", e6), (b"XMP ", xmp(8))),
    "both.tif": tiff(tags=[(274, 3, (6,)), (700, 1, xmp(8))]),
    "exif_and_profile.png": png(chunk(b"eXIf", e8) + text(name, profiled)),
    # several
    "exif_twice.jpg": jpeg(EXIF(e6), EXIF(e8)), "exif_in_parts.jpg": jpeg(EXIF(e6[:15]), EXIF(e6[15:])),
    "xmp_twice.jpg": jpeg(XMP(xmp(6)), XMP(xmp(8))), "exif_twice.png": png(chunk(b"eXIf", e6), chunk(b"eXIf", e8)),
    "xmp_twice.png": png(itxt(xmp(6)), itxt(xmp(8))), "exif_twice.webp": webp(8, (b"EXIF", e6), (b"EXIF", e8)),
    "xmp_twice.webp": webp(4, (b"XMP ", xmp(6)), (b"XMP ", xmp(8))),
    "tag_twice.jpg": jpeg(EXIF(exif(after=[(274, 3, (8,), None)]))),
    "tag_twice_odd.jpg": jpeg(EXIF(exif(kind=18 if 18 in CODES else 7, after=[(274, 3, (8,), None)]))),
    "tag_empty_then.jpg": jpeg(EXIF(exif(count=0, after=[(274, 3, (8,), None)]))),
    # headers
    "named_twice.jpg": jpeg(segment(b"Exif\0\0Exif\0\0" + e6)), "named.png": png(chunk(b"eXIf", b"Exif\0\0" + e6)),
    "named.webp": webp(8, (b"EXIF", b"Exif\0\0" + e6)), "no_name.jpg": jpeg(segment(e6)),
    "other_name.jpg": jpeg(segment(b"Exif\0\xff" + e6)), "swapped_magic.jpg": jpeg(EXIF(exif(magic=b"II\0\x2a"))),
    "swapped_magic_big.jpg": jpeg(EXIF(exif(order=">", magic=b"MM\x2a\0"))),
    "bad_magic.jpg": jpeg(EXIF(exif(magic=b"II\x2b\0")), XMP(xmp(8))), "worse_magic.jpg": jpeg(EXIF(exif(magic=b"XX\x2a\0"))),
    "empty.jpg": jpeg(EXIF(b"")), "empty_xmp.jpg": jpeg(EXIF(b""), XMP(xmp(8))), "short.jpg": jpeg(EXIF(e6[:6])),
    "cut_before.jpg": jpeg(EXIF(e6[:14])), "cut_before_xmp.jpg": jpeg(EXIF(e6[:14]), XMP(xmp(8))),
    "cut_within.jpg": jpeg(EXIF(e6[:21])), "cut_after.jpg": jpeg(EXIF(e6[:22])),
    "far_directory.jpg": jpeg(EXIF(e6[:4] + struct.pack("<L", 4000) + e6[8:])),
    "no_directory.jpg": jpeg(EXIF(e6[:4] + struct.pack("<L", 0) + e6[8:])),
    "many_entries.jpg": jpeg(EXIF(e6[:8] + struct.pack("<H", 999) + e6[10:])),
    "no_entries.jpg": jpeg(EXIF(e6[:8] + struct.pack("<H", 0) + e6[10:])),
    # what comes before
    "before.jpg": jpeg(EXIF(exif(before=[(271, 2, b"Canon, say\0", None), (272, 2, b"a\0", None)]))),
    "far_before.jpg": jpeg(EXIF(exif(before=[(270, 2, b"x" * 9, 9999)]))),
    "near_before.jpg": jpeg(EXIF(exif(before=[(270, 2, b"x" * 9, 30)]))),
    "far_before_xmp.jpg": jpeg(EXIF(exif(before=[(270, 2, b"x" * 9, 30)])), XMP(xmp(8))),
    "odd_type_before.jpg": jpeg(EXIF(exif(before=[(270, 7, b"x" * 9, 1 << 31)]))),
    "far_itself.jpg": jpeg(EXIF(exif(numbers=(6, 6, 6), count=20)), XMP(xmp(8))),
    "after_far.jpg": jpeg(EXIF(exif(after=[(282, 5, (72, 1), 5)]))),
    # other places in a JPEG
    "after_scan.jpg": jpeg() + EXIF(e6), "app13.jpg": jpeg(segment(b"Exif\0\0" + e6, 0xED)),
    "padded.jpg": jpeg(b"\xff\xff" + EXIF(e6)), "comment_first.jpg": jpeg(segment(b"hello", 0xFE), EXIF(e6)),
    "xmp_long.jpg": jpeg(XMP(b" " * 60000 + xmp(6))), "xmp_extended.jpg": jpeg(
        segment(b"http://ns.adobe.com/xmp/extension/\0" + xmp(6))),
    # forms of XMP
    "xmp_element.jpg": jpeg(XMP(xmp(6, ">%s</tiff:Orientation"))), "xmp_spaced.jpg": jpeg(XMP(xmp(6, ' = "%s"'))),
    "xmp_quoted.jpg": jpeg(XMP(xmp(6, "='%s'"))), "xmp_two_digits.jpg": jpeg(XMP(xmp(62))),
    "xmp_text.jpg": jpeg(XMP(xmp("up"))), "xmp_both.jpg": jpeg(XMP(xmp("up") + xmp(3))),
    "xmp_utf16.jpg": jpeg(XMP(xmp(6).decode().encode("utf-16"))),
    # PNG
    "packed_xmp.png": png(itxt(xmp(6), True)), "xmp_after.png": png(after=itxt(xmp(6))),
    "text_xmp.png": png(text(b"XML:com.adobe.xmp\0", xmp(6))), "ztxt_xmp.png": png(ztxt(b"XML:com.adobe.xmp", xmp(6))),
    "text_profile.png": png(text(name, profiled)), "profile_after.png": png(after=text(name, profiled)),
    "app1_profile.png": png(text(*profile(e6, b"APP1"))), "upper_profile.png": png(text(name, profiled.upper())),
    "junk_profile.png": png(text(*profile(e6, junk="zz"))), "odd_profile.png": png(text(name, profiled[:-2] + b"\n")),
    "empty_profile.png": png(text(name, b"\nexif\n")), "short_itxt.png": png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0")),
    "latin_xmp.png": png(itxt(b"\xe9" + xmp(6))),
    "empty_exif.png": png(chunk(b"eXIf", b"") + itxt(xmp(6))), "damaged_exif.png": png(chunk(b"eXIf", b"nothing at all")),
    # WebP
    "no_flag.webp": webp(0, (b"EXIF", e6)), "no_flag_xmp.webp": webp(0, (b"XMP ", xmp(6))), "no_header.webp": webp(None, (b"EXIF", e6)),
    "before.webp": webp(8, (b"EXIF", e6), behind=False), "odd_length.webp": webp(12, (b"EXIF", e6 + b"x"), (b"XMP ", xmp(8))),
    "flag_alone.webp": webp(8), "damaged.webp": webp(8, (b"EXIF", b"nothing at all")),
    # TIFF
    "big.tif": tiff(order=">", tags=[(274, 3, (6,))]), "bigtiff.tif": tiff(big=True, tags=[(274, 3, (6,))]),
    "bigtiff_xmp.tif": tiff(big=True, tags=[(700, 7, xmp(6))]), "xmp_undefined.tif": tiff(tags=[(700, 7, xmp(6))]),
    "deflated.tif": tiff(packed=True, tags=[(274, 3, (6,))]),
    "deflated_xmp.tif": tiff(packed=True, tags=[(700, 1, xmp(6))]), "deflated_float.tif": tiff(packed=True, tags=[(274, 11, (6.0,))]),
}

answers = {}
for name, data in sorted(files.items()):
    try:
        plain = Image.open(io.BytesIO(data)).convert("RGB")
    except Exception as reason:
        print(name, "is refused:", repr(reason))
        continue
    try:
        turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    except Exception as reason:
        print(name, "has no answer:", repr(reason))
        turned = plain
    answers[name] = [[*p.size, hashlib.sha256(p.tobytes()).hexdigest()[:16]] for p in (plain, turned)]
with zipfile.ZipFile(here / "upright.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
    for name in answers:
        z.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
lines = ",\n".join(f'"{name}": {json.dumps(a)}' for name, a in answers.items())
(here / "upright.json").write_text("{\n" + lines + "\n}\n")
