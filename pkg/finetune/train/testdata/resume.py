"""Goes on with a checkpoint of ours, and compares the losses: resume.py CHECKPOINT SCHEDULE FROZEN SMOOTHING CLIP BATCHNORM LOSS..."""
import sys

import torch

import generate as g

path, schedule, frozen, smoothing, clip, batchnorm, *losses = sys.argv[1:]
saved = torch.load(path, weights_only=True)
c = g.ref.config(**{**saved["args"], "dropout": 0.0})
m = g.ref.INTR(c, torch.nn.BatchNorm2d if batchnorm == "true" else g.ref.FrozenBN)
m.load_state_dict(saved["model"], strict=batchnorm != "true")
optimizer, kept = g.optimizer_of(m, frozen.split())
moves = g.schedule_of(schedule, optimizer)
optimizer.load_state_dict(saved["optimizer"])
moves.load_state_dict(saved["lr_scheduler"])
images, worst = g.images_of(list(g.pictures())), 0
m.train()
for step, want in enumerate(losses, saved["epoch"] + 1):
    pick = [(step + j) % len(images) for j in range(3)]
    loss = torch.nn.functional.cross_entropy(m(*g.ref.batch([images[i] for i in pick]))[0],
                                             torch.tensor([i % c.num_queries for i in pick]), label_smoothing=float(smoothing))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(kept, float(clip) or 1e9)
    optimizer.step()
    moves.step()
    worst = max(worst, abs(loss.item() - float(want)))
assert worst < 1e-4, f"the losses are {worst} apart"
print(f"losses within {worst:.2g}")
