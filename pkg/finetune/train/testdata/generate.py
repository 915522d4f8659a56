"""Writes training.json and training.npz: what PyTorch makes of small INTRs in a few steps of training.

    GOINTR_ORACLE/python generate.py          (torch 2.15; see internal/oracle/README.md)

The starts are the small checkpoints of pkg/intr/testdata. Nothing is random: no dropout, pictures from a formula.
"""
import copy
import json
import pathlib
import sys

import numpy as np
import torch

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parents[3] / "internal" / "oracle"))
import intr_torch as ref  # noqa: E402

SLIM = {"basic": dict(blocks=[1, 2, 1, 1], width=4, bottleneck=False),
        "prenorm_learned": dict(blocks=[1, 1, 1, 1], width=4, bottleneck=False),
        "dc5": dict(blocks=[1, 1, 1, 2], width=4, bottleneck=True)}
# name: start, frozen parts, schedule (moved on after every step), batches a step, label smoothing, clip, BatchNorm trained
RUNS = {
    "published": ("basic", ["stem", "layer1"], "StepLR", 1, 0, 0.1, False),
    "whole": ("prenorm_learned", [], "CosineAnnealingLR", 1, 0.1, 0.1, False),
    "dc5": ("dc5", ["stem"], "ConstantLR", 1, 0, 0, False),
    "accumulated": ("basic", ["encoder"], "OneCycleLR", 2, 0, 1, False),
    "batchnorm": ("basic", [], "StepLR", 1, 0, 0.1, True),
}
STEPS, LR, LR_BACKBONE, DECAY = 5, 2e-4, 1e-4, 1e-2
SIZES = [(96, 70), (64, 96), (80, 80), (90, 64), (64, 64), (96, 96)]  # height, width
PARTS = {"stem": ("body.conv1", "body.bn1"), "layer1": (".layer1.",), "encoder": ("transformer.encoder",)}


def pictures():
    for i, (h, w) in enumerate(SIZES):
        y, x = torch.linspace(-1, 1, h)[:, None], torch.linspace(-1, 1, w)[None]
        waves = [torch.sin((i + 1 + c) * 2 * x + i) * torch.cos((i + 1) * 1.5 * y) for c in range(3)]
        yield ((torch.stack(waves, -1) + 1) * 127.5).round().to(torch.uint8)


def schedule_of(name, optimizer):
    s = torch.optim.lr_scheduler
    return {"StepLR": lambda: s.StepLR(optimizer, 2), "CosineAnnealingLR": lambda: s.CosineAnnealingLR(optimizer, 4, 1e-5),
            "ConstantLR": lambda: s.ConstantLR(optimizer, 1.0, 0),
            "OneCycleLR": lambda: s.OneCycleLR(optimizer, [LR, LR_BACKBONE], total_steps=STEPS, cycle_momentum=False)}[name]()


def optimizer_of(m, frozen):
    kept = [(n, p) for n, p in m.named_parameters() if not any(s in n for part in frozen for s in PARTS[part])]
    groups = [{"params": [p for n, p in kept if "backbone" not in n]},
              {"params": [p for n, p in kept if "backbone" in n], "lr": LR_BACKBONE}]
    return torch.optim.AdamW(groups, lr=LR, weight_decay=DECAY), [p for _, p in kept]


def images_of(pixels):
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return [((p.float() / 255 - mean) / std).permute(2, 0, 1) for p in pixels]


def model_of(start, batchnorm):
    saved = torch.load(here.parents[2] / "intr" / "testdata" / f"{start}.pth", weights_only=False)
    c = saved["args"]
    vars(c).update(SLIM[start], dropout=0.0)
    m = ref.INTR(c, torch.nn.BatchNorm2d if batchnorm else ref.FrozenBN)
    m.load_state_dict(saved["model"], strict=not batchnorm)
    return m


def train(m, frozen, schedule, batches, smoothing, clip, images):
    optimizer, kept = optimizer_of(m, frozen)
    moves = schedule_of(schedule, optimizer)
    m.train()
    steps = []
    for step in range(STEPS):
        optimizer.zero_grad()
        log = dict(batches=[], losses=[])
        for part in range(batches):
            pick = [(step * batches + part + j) % len(images) for j in range(3)]
            logits = m(*ref.batch([images[i] for i in pick]))[0]
            labels = torch.tensor([i % m.c.num_queries for i in pick])
            loss = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
            (loss / batches).backward()
            log["batches"].append(pick)
            log["losses"].append(loss.item())
        norm = torch.nn.utils.clip_grad_norm_(kept, clip or 1e9)
        log.update(norm=norm.item(), lr=[g["lr"] for g in optimizer.param_groups])
        optimizer.step()
        moves.step()
        steps.append(log)
    return steps


def run(start, frozen, schedule, batches, smoothing, clip, batchnorm, images):
    m = model_of(start, batchnorm)
    steps = train(m, frozen, schedule, batches, smoothing, clip, images)
    final = {k: v.double().norm().item() for k, v in m.state_dict().items() if "num_batches" not in k}
    return dict(start=start, frozen=frozen, schedule=schedule, accumulate=batches, label_smoothing=smoothing, clip_max_norm=clip,
                train_batchnorm=batchnorm, steps=steps, final=final)


def main():
    pixels = list(pictures())
    images = images_of(pixels)
    runs = {name: run(*copy.deepcopy(how), images) for name, how in RUNS.items()}
    (here / "training.json").write_text(json.dumps(dict(lr=LR, lr_backbone=LR_BACKBONE, weight_decay=DECAY, runs=runs)))
    np.savez_compressed(here / "training.npz", **{f"picture{i}": p.numpy() for i, p in enumerate(pixels)})


if __name__ == "__main__":
    main()
