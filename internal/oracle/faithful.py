"""Writes pkg/faithful/testdata/numpy.json: insertion, deletion, pointing, energy and rank correlation by NumPy and SciPy,
of the same maps, the same pictures and the same scorer as pkg/faithful's test, written without a look at its Go.

    GOINTR_ORACLE/python faithful.py
"""
import json
import pathlib

import numpy as np
from scipy import stats

CLASSES = 3


def picture(k, h, w):
    y, x, c = np.ogrid[:h, :w, :3]
    return ((x * x * 3 + y * y * 5 + x * y * 7 + c * 41 + k * 17) % 256).astype(np.uint8)


def logits(p):
    """A linear scorer with fixed weights."""
    i = np.arange(1, p.size + 1, dtype=np.float64)
    flat = p.reshape(-1).astype(np.float64) / 255
    return np.array([np.float32((np.sin((c + 1) * 0.37 * i + c) * flat).sum() / 4) for c in range(CLASSES)])


def softmax(z):
    z = z.astype(np.float64)
    e = np.exp(z - z.max())
    return e / e.sum()


def gaussian(p):
    short = min(p.shape[:2])
    size = max(2 * int(np.rint((11 * short / 224 - 1) / 2)) + 1, 3)
    at = np.arange(size) - size // 2
    k = np.exp(-at ** 2 / (2 * (5 * short / 224) ** 2))
    k /= k.sum()
    pad = np.pad(p.astype(np.float64), ((size // 2,) * 2, (size // 2,) * 2, (0, 0)), mode="edge")
    out = np.zeros(p.shape)
    for i in range(size):
        for j in range(size):
            out += k[i] * k[j] * pad[i:i + p.shape[0], j:j + p.shape[1]]
    return np.rint(out).astype(np.uint8)


def fill(p, kind):
    return gaussian(p) if kind == "blur" else np.broadcast_to(np.array([124, 116, 104], np.uint8), p.shape)


def hat(n, cells):
    """[n, cells]: bilinear weights, half-pixel centres, borders repeated."""
    at = np.clip((np.arange(n) + 0.5) * cells / n - 0.5, 0, cells - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(cells)[None]))


def splitmix(seed, n):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def order(m, h, w, seed):
    up = hat(h, m.shape[0]) @ m.astype(np.float64) @ hat(w, m.shape[1]).T
    if np.ptp(m) <= 1e-4 * np.abs(m).max():
        up = np.zeros((h, w))
    up = np.round(up, 12)  # equal weights are equal, whatever the order of a sum
    return np.lexsort((splitmix(seed, h * w), -up.reshape(-1)))


def curve(start, end, ranked, steps, label):
    n, out = len(ranked), []
    for s in range(steps + 1):
        k = int(np.floor(s * n / steps + 0.5))
        now = start.reshape(n, 3).copy()
        now[ranked[:k]] = end.reshape(n, 3)[ranked[:k]]
        out.append(softmax(logits(now.reshape(start.shape)))[label])
    return out


def main():
    rng = np.random.default_rng(5)
    h, w, rows, cols, steps = 24, 32, 3, 4, 7
    maps = {"one": rng.dirichlet(np.ones(rows * cols)).reshape(rows, cols), "two": rng.dirichlet(np.full(rows * cols, 0.2)).reshape(rows, cols),
            "flat": np.full((rows, cols), 1 / 12), "one-hot": np.eye(1, rows * cols, 6).reshape(rows, cols), "zero": np.zeros((rows, cols))}
    box = [5, 3, 17, 15]  # x0, y0, x1, y1: no edge of it is a cell's
    out = {"steps": steps, "box": box, "seed": 11, "cases": []}
    for k, (name, m) in enumerate(maps.items()):
        m = m.astype(np.float32)
        p = picture(k, h, w)
        ranked = order(m, h, w, out["seed"])
        case = {"name": name, "picture": k, "map": m.reshape(-1).tolist(), "class": k % CLASSES, "first": ranked[:40].tolist(), "curves": {}}
        for kind in ("blur", "mean"):
            hidden = fill(p, kind)
            for way, a, b in (("insertion", hidden, p), ("deletion", p, hidden)):
                c = curve(np.ascontiguousarray(a), np.ascontiguousarray(b), ranked, steps, case["class"])
                case["curves"][f"{way} {kind}"] = {"probability": c, "area": float(np.trapezoid(c, dx=1 / steps))}
        wide = np.kron(m.astype(np.float64), np.ones((h // rows, w // cols)))
        inside = wide[box[1]:box[3], box[0]:box[2]].sum()
        case["energy"] = float(inside / wide.sum()) if wide.sum() else (box[3] - box[1]) * (box[2] - box[0]) / (h * w)
        if np.ptp(m) > 1e-4 * np.abs(m).max():
            r, c = np.unravel_index(m.argmax(), m.shape)
            cy, cx, ch, cw = (r + 0.5) * h / rows, (c + 0.5) * w / cols, h / rows, w / cols
            case["hit"] = [bool(box[0] <= cx < box[2] and box[1] <= cy < box[3]),
                           bool(cx + cw / 2 > box[0] and cx - cw / 2 < box[2] and cy + ch / 2 > box[1] and cy - ch / 2 < box[3]),
                           bool(box[0] - cw <= cx < box[2] + cw and box[1] - ch <= cy < box[3] + ch)]
        else:
            case["hit"] = [False] * 3
        out["cases"].append(case)
    big = gaussian(picture(9, 120, 100)).reshape(-1)
    out["blurred"] = big[::97].tolist()
    out["spearman"] = []
    for n in (2, 7, 40):
        a, b = rng.integers(0, 5, n).astype(float), rng.normal(size=n)
        a[0] += 0.5
        out["spearman"].append({"a": a.tolist(), "b": b.tolist(), "rho": float(stats.spearmanr(a, b).statistic)})
    path = pathlib.Path(__file__).parents[2] / "pkg" / "faithful" / "testdata" / "numpy.json"
    path.write_text(json.dumps(out))
    print(path, path.stat().st_size)


main()
