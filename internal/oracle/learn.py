"""Does it learn as PyTorch does? One start, one dataset, the same settings and epochs, here and there, for some seeds.

    python learn.py --gointr bin/gointr --dataset birds [--start CHECKPOINT] [--seeds 3] [--epochs 16]

The start is random weights of PyTorch's, saved as a checkpoint that both read, or an INTR (--start sample.pth). Pictures are
mirrored and not cropped, everything is trained, BatchNorm with the batches' statistics, one cycle of the learning rates up to 1e-3.
Prints the accuracy on val after the last epoch, and the greatest difference."""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import torch
from torch import nn

import intr_torch as ref

cli = argparse.ArgumentParser()
cli.add_argument("--gointr", required=True)
cli.add_argument("--dataset", type=pathlib.Path, required=True)
cli.add_argument("--start")
cli.add_argument("--seeds", type=int, default=3)
cli.add_argument("--epochs", type=int, default=16)
cli.add_argument("--batch", type=int, default=32)
cli.add_argument("--lr", type=float, default=1e-3)
a = cli.parse_args()
SIZE = 128


def config(classes):
    return ref.config(backbone="resnet", blocks=[1, 1, 1, 0], width=32, bottleneck=False, hidden_dim=64, nheads=4, enc_layers=1,
                      dec_layers=2, dim_feedforward=128, num_queries=classes, eval_size=SIZE)


def load(split, classes):
    """Every picture at the size of evaluation, and its class: small ones, so all of them at once."""
    pictures, labels = [], []
    for i, name in enumerate(classes):
        for path in sorted((a.dataset / split / name).iterdir()):
            pictures.append(ref.preprocess(path, SIZE, SIZE * 1333 // 800))
            labels.append(i)
    return pictures, torch.tensor(labels)


def accuracy(model, pictures, labels):
    model.eval()
    right = 0
    with torch.no_grad():
        for at in range(0, len(pictures), a.batch):
            logits, *_ = model(*ref.batch(pictures[at:at + a.batch]))
            right += int((logits.argmax(1) == labels[at:at + a.batch]).sum())
    return 100 * right / len(pictures)


def learn(start, seed, train, val):
    """The training in PyTorch."""
    torch.manual_seed(seed)
    saved = torch.load(start)
    model = ref.INTR(ref.config(**saved["args"]), norm=nn.BatchNorm2d)
    model.load_state_dict(saved["model"], strict=False)  # BatchNorm's counters
    pictures, labels = train
    steps = len(pictures) // a.batch
    groups = [{"params": [p for n, p in model.named_parameters() if ("backbone" in n) == backbone]} for backbone in (False, True)]
    optimizer = torch.optim.AdamW(groups, lr=a.lr, weight_decay=1e-6)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, a.lr, total_steps=a.epochs * steps, cycle_momentum=False)
    for _ in range(a.epochs):
        model.train()
        order = torch.randperm(len(pictures))
        for step in range(steps):
            pick = order[step * a.batch:(step + 1) * a.batch].tolist()
            images = [pictures[i].flip(2) if torch.rand(()) < 0.5 else pictures[i] for i in pick]
            loss = nn.functional.cross_entropy(model(*ref.batch(images))[0], labels[pick])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
            schedule.step()
    return accuracy(model, *val)


def learn_here(start, seed, out):
    """The same by gointr finetune."""
    subprocess.run([a.gointr, "finetune", "--from", start, "--dataset", a.dataset, "--out", out, "--eval-size", str(SIZE), "--augment", "flip",
                    "--epochs", str(a.epochs), "--batch-size", str(a.batch), "--lr", str(a.lr), "--lr-backbone", str(a.lr),
                    "--lr-scheduler", "OneCycleLR", "--train-batchnorm", "--freeze", "none", "--seed", str(seed)],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return json.loads((out / "log.txt").read_text().splitlines()[-1])["test_acc1"]


classes = sorted(p.name for p in (a.dataset / "train").iterdir())
train, val = load("train", classes), load("val", classes)
apart = []
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    for seed in range(a.seeds):
        start = a.start
        if not start:
            torch.manual_seed(seed)
            start = folder / f"start{seed}.pth"
            model = ref.INTR(config(len(classes)))
            torch.save({"model": model.state_dict(), "args": vars(model.c)}, start)
        begun = time.monotonic()
        theirs = learn(start, seed, train, val)
        between = time.monotonic()
        ours = learn_here(start, seed, folder / f"run{seed}")
        apart.append(abs(ours - theirs))
        print(f"seed {seed}: GoINTR {ours:.1f} % in {time.monotonic() - between:.0f} s, PyTorch {theirs:.1f} % in {between - begun:.0f} s", flush=True)
print(f"at most {max(apart):.1f} points apart, {np.mean(apart):.1f} on average")
