"""What a picture's likeness is, by NumPy from its definition: writes the fixture of pkg/intr's TestLikeness.

The covariance is shrunk as Ledoit and Wolf (2004) have it: sums over the outer products themselves. The two p-values are
shares of the held-out pictures, above the tenth part of the greatest distances an exponential tail.

    python internal/oracle/likeness.py
"""
import json
import pathlib

import numpy as np

random = np.random.default_rng(5)
width, classes = 6, 4
mixing = random.normal(size=(width, width))
offset = random.normal(size=width)


def pictures(n, far=0.0, low=0.0):
    pooled = random.normal(size=(n, width)) @ mixing + offset + far
    logits = random.normal(size=(n, classes)) - low
    return pooled.astype(np.float32), logits.astype(np.float32)


def numbers(pooled, logits):
    away = pooled.astype(float) - mean
    return np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away), np.log(np.exp(logits.astype(float)).sum(1))


training, held_out = pictures(40), pictures(30)
asked = [np.concatenate(parts) for parts in zip(pictures(3), pictures(2, far=2), pictures(2, low=3), pictures(1, 9, 9))]

mean = training[0].astype(float).mean(0)
away = training[0].astype(float) - mean
n = len(away)
covariance = away.T @ away / n
scale = np.trace(covariance) / width
spread = np.sum((covariance - scale * np.eye(width)) ** 2)
error = sum(np.sum((np.outer(x, x) - covariance) ** 2) for x in away) / n**2
share = min(error, spread) / spread
covariance = share * scale * np.eye(width) + (1 - share) * covariance

distances, energies = numbers(*held_out)
many = len(distances)
tail = max(3, round(many / 10))
edge = np.sort(distances)[-tail - 1]
excess = np.mean(np.sort(distances)[-tail:]) - edge


def oddness(distance, energy, own):
    far = (own + np.sum(distances >= distance)) / (many + 1)
    if distance > edge:
        far = (tail + 1) / (many + 1) * np.exp(-(distance - edge) / excess)
    return -np.log(far * (own + np.sum(energies <= energy)) / (many + 1))


known = [oddness(d, e, 0) for d, e in zip(distances, energies)]
p = [(1 + sum(k >= oddness(d, e, 1) for k in known)) / (many + 1) for d, e in zip(*numbers(*asked))]

sets = {"training": training, "held_out": held_out, "asked": asked}
out = pathlib.Path(__file__).parents[2] / "pkg" / "intr" / "testdata" / "likeness.json"
out.write_text(json.dumps({
    **{name: {"pooled": a.tolist(), "logits": b.tolist()} for name, (a, b) in sets.items()},
    "distances": distances.tolist(), "energies": energies.tolist(), "p": p,
}) + "\n")
print(share, p)
