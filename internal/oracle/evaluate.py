"""Evaluates a checkpoint on a folder of classes as the published loop does: batches in order, each padded to its
largest picture.

    python evaluate.py CHECKPOINT.pth FOLDER --batch-size 3 [--size 800]

Prints one JSON object: over the pictures acc1, acc5 (percent) and loss; the same as the published code averages them,
over the batches, the last of which may be smaller; and the logits of every picture, by its path in the folder.
"""
import argparse
import json
import pathlib

import torch
import torch.nn.functional as F

import intr_torch as ref


@torch.no_grad()
def evaluate(checkpoint, folder, batch_size, size=800):
    saved = torch.load(checkpoint, weights_only=False)
    model = ref.INTR(saved["args"])
    model.load_state_dict(saved["model"])
    return loop(model.eval(), folder, batch_size, size)


@torch.no_grad()
def loop(model, folder, batch_size, size):
    root = pathlib.Path(folder)
    classes = sorted(p.name for p in root.iterdir())
    samples = [(p, i) for i, c in enumerate(classes) for p in sorted((root / c).iterdir())]
    logits, per_batch = {}, []
    for at in range(0, len(samples), batch_size):
        part = samples[at:at + batch_size]
        long = round(1333 * size / 800)
        out = model(*ref.batch([ref.preprocess(p, size, long) for p, _ in part]))[0]
        truth = torch.tensor([c for _, c in part])
        _, best = out.topk(min(5, out.shape[1]), 1)
        hit = best.t().eq(truth)
        loss = F.cross_entropy(out, truth).item()
        per_batch.append([hit[:1].sum().item(), hit.sum().item(), loss, len(part)])
        for (p, _), row in zip(part, out):
            logits[p.relative_to(root).as_posix()] = row.tolist()
    n = len(samples)
    mean = lambda f: sum(map(f, per_batch)) / len(per_batch)  # noqa: E731
    return dict(images=n, acc1=100 * sum(b[0] for b in per_batch) / n, acc5=100 * sum(b[1] for b in per_batch) / n,
                loss=sum(b[2] * b[3] for b in per_batch) / n,
                batch_mean=dict(acc1=mean(lambda b: 100 * b[0] / b[3]), acc5=mean(lambda b: 100 * b[1] / b[3]),
                                loss=mean(lambda b: b[2])), logits=logits)


if __name__ == "__main__":
    cli = argparse.ArgumentParser()
    cli.add_argument("checkpoint")
    cli.add_argument("folder")
    cli.add_argument("--batch-size", type=int, default=1)
    cli.add_argument("--size", type=int, default=800)
    a = cli.parse_args()
    print(json.dumps(evaluate(a.checkpoint, a.folder, a.batch_size, a.size)))
