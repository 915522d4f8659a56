"""Writes report.npz beside this file: logits, and what PyTorch and NumPy make of them.

    GOINTR_ORACLE/python make_report.py

Classes differ in how often they are right and in how many pictures they have; one has none.
"""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

CLASSES, BINS = 12, 15
rng = np.random.default_rng(0)
truth = np.concatenate([np.full(7 * c, c) for c in range(CLASSES)])  # class 0 has no picture
rng.shuffle(truth)
logits = rng.normal(0, 1, (len(truth), CLASSES))
logits[np.arange(len(truth)), truth] += rng.uniform(0, 4, CLASSES)[truth]
twins = truth ^ 1
logits[np.arange(len(truth)), twins] += rng.uniform(0, 2, CLASSES)[truth]
logits = (2.5 * logits).astype(np.float32)

x, y = torch.from_numpy(logits), torch.from_numpy(truth)
loss = F.cross_entropy(x, y, reduction="none").double().numpy()
# The accuracy of the published engine.py: util.misc.accuracy with topk (1, 5).
_, best = x.topk(5, 1, True, True)
correct = best.t().eq(y.view(1, -1).expand(5, -1))
acc1, acc5 = (correct[:k].reshape(-1).float().sum().item() * 100 / len(y) for k in (1, 5))
predicted = best[:, 0].numpy()
rank = 1 + (logits > logits[np.arange(len(truth)), truth][:, None]).sum(1)
confidence = F.softmax(x.double(), 1).max(1).values.numpy()
right = predicted == truth

edges = np.linspace(0, 1, BINS + 1)
bins = np.zeros((BINS, 3))  # pictures, mean confidence, part that is right
ece = 0.0
for i, (low, high) in enumerate(zip(edges[:-1], edges[1:])):
    inside = (confidence > low) & (confidence <= high)
    if inside.any():
        bins[i] = inside.sum(), confidence[inside].mean(), right[inside].mean()
        ece += 100 * inside.mean() * abs(right[inside].mean() - confidence[inside].mean())

confusion = np.zeros((CLASSES, CLASSES), int)
np.add.at(confusion, (truth, predicted), 1)
images = confusion.sum(1)
with np.errstate(invalid="ignore"):
    recall = np.nan_to_num(100 * np.diag(confusion) / images)
    precision = np.nan_to_num(100 * np.diag(confusion) / confusion.sum(0))


def wilson(part, of):
    """The shares p whose normal approximation just reaches part: (part/of - p)^2 = z^2 p (1 - p) / of."""
    z2, share = 1.959963984540054 ** 2, part / of
    return 100 * np.sort(np.roots([1 + z2 / of, -(2 * share + z2 / of), share * share]).real)


cases = np.array([[0, 10], [10, 10], [8, 10], [718, 1000], [1, 3], [right.sum(), len(right)]])
np.savez_compressed(
    pathlib.Path(__file__).parent / "report.npz", logits=logits, truth=truth, loss=loss, rank=rank, predicted=predicted,
    confidence=confidence, bins=bins, confusion=confusion, recall=recall, precision=precision, cases=cases,
    wilson=np.array([wilson(*c) for c in cases]),
    sums=np.array([acc1, acc5, loss.mean(), recall[images > 0].mean(), ece]))
