"""What a picture's likeness is, by NumPy from its definition: writes the fixture of pkg/intr's TestLikeness.

The covariance is shrunk as Ledoit and Wolf (2004) have it: sums over the outer products themselves. The p-value is taken
picture by picture, each once put among the held-out ones.

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

p = []
for distance, energy in zip(*numbers(*asked)):
    distances, energies = (np.append(a, b) for a, b in zip(numbers(*held_out), (distance, energy)))
    products = [(distances >= d).sum() * (energies <= e).sum() for d, e in zip(distances, energies)]
    p.append(sum(x <= products[-1] for x in products) / len(products))

sets = {"training": training, "held_out": held_out, "asked": asked}
out = pathlib.Path(__file__).parents[2] / "pkg" / "intr" / "testdata" / "likeness.json"
out.write_text(json.dumps({
    **{name: {"pooled": a.tolist(), "logits": b.tolist()} for name, (a, b) in sets.items()},
    "share": share, "distances": numbers(*held_out)[0].tolist(), "energies": numbers(*held_out)[1].tolist(), "p": p,
}) + "\n")
print(share, p)
