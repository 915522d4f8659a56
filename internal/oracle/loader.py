"""GoINTR's loader beside torchvision's DataLoader, in turn, in one run: pictures a second of the published training
transform, as padded float32 batches. Ratios above 1 mean we are faster.

    python loader.py --gointr bin/gointr --dataset FOLDER [--workers 2] [--batch-size 12] [--rounds 3]
    python loader.py --draw FOLDER    only draws a dataset to load: 240 pictures of 500 by 375
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import time
import warnings

import numpy
import torch
import torchvision
from PIL import Image
from torchvision.transforms import functional as F

import intr_torch as ref

warnings.filterwarnings("ignore")
cli = argparse.ArgumentParser()
cli.add_argument("--gointr", default="bin/gointr")
cli.add_argument("--dataset", type=pathlib.Path)
cli.add_argument("--workers", type=int, default=min(2, os.cpu_count()))
cli.add_argument("--batch-size", type=int, default=12)
cli.add_argument("--rounds", type=int, default=3)
cli.add_argument("--draw", type=pathlib.Path)


def draw(folder):
    """Shades with detail of every scale, as JPEG files."""
    rng = numpy.random.default_rng(0)
    for i in range(240):
        picture = numpy.zeros((375, 500, 3), numpy.float32)
        for cells in (3, 12, 50, 200):
            noise = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), numpy.uint8))
            picture += numpy.asarray(noise.resize((500, 375), Image.BICUBIC), numpy.float32) / 4
        path = folder / "train" / f"class{i // 60}" / f"{i:03}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.astype(numpy.uint8)).save(path, quality=90)


SIZES = list(range(480, 801, 32))


def resize(picture, short, long):
    return F.resize(picture, ref.eval_size(*picture.size, short, long)[::-1])


def transform(picture):
    if random.random() < 0.5:
        picture = F.hflip(picture)
    if random.random() < 0.5:
        picture = resize(picture, random.choice([400, 500, 600]), float("inf"))
        w, h = (random.randint(384, min(side, 600)) for side in picture.size)
        picture = F.crop(picture, random.randint(0, picture.height - h), random.randint(0, picture.width - w), h, w)
    picture = resize(picture, random.choice(SIZES), 1333)
    return F.normalize(F.to_tensor(picture), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def collate(samples):
    pictures, classes = zip(*samples)
    return ref.batch(pictures), torch.tensor(classes)


def torchvision_rate(a):
    folder = torchvision.datasets.ImageFolder(a.dataset / "train", transform)
    loader = torch.utils.data.DataLoader(folder, a.batch_size, shuffle=True, drop_last=True, collate_fn=collate,
                                         num_workers=a.workers, persistent_workers=True)
    for _ in range(2):  # the first one starts the workers and has the files read
        start, pictures = time.perf_counter(), 0
        for _, classes in loader:
            pictures += len(classes)
    return pictures / (time.perf_counter() - start)


def gointr_rate(a):
    out = subprocess.run([a.gointr, "bench-loader", a.dataset, "--workers", str(a.workers), "--batch-size", str(a.batch_size)],
                         env={**os.environ, "GOMAXPROCS": str(a.workers)}, check=True, capture_output=True, text=True).stdout
    return json.loads(out)["per_second"]


def main():
    a = cli.parse_args()
    if a.draw:
        return draw(a.draw)
    rounds = []
    for i in range(a.rounds):
        rounds.append((gointr_rate(a), torchvision_rate(a)))
        print(f"loader, round {i + 1} of {a.rounds}: {rounds[-1][0]:.1f} : {rounds[-1][1]:.1f} pictures a second", flush=True)
    print(f"loader   GoINTR / torchvision {torchvision.__version__} = {statistics.median(g / p for g, p in rounds):.2f}, {a.workers} workers each, batches of {a.batch_size}")


if __name__ == "__main__":
    main()
