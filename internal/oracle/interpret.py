"""What the published interpretation script (tools/visualization.py of github.com/Imageomics/INTR) looks at, computed by
PyTorch, as a small fixture: for every picture of some classes the top_q most similar classes, the true one put in the
last place where it is missing, and their attention in the last decoder layer.

    python interpret.py CHECKPOINT.pth DATASET/val OUT.npz --class-index 8 0 [--top-q 5] [--size 800]

A class is a folder, in order of their names. The answers are those of float64, so that no rounding is in them; beside them
stands how far PyTorch's own float32 is from them (rounding.py). The .npz has, of the pictures in order of class and name:
image [n] (their path in the folder), truth [n], similar [n, q], logits [n, q], next [n] (the highest logit of a class that is
not among the similar ones), shape [n, 2] (rows and columns of the maps), float32 [n, 2] (how far it is in the maps and in the
logits), and of all maps [n][q, heads, rows, cols], one behind the other, how many times `step` each weight is: low bytes, high
bytes. The step keeps a megabyte for 30 pictures of an INTR-R50. checkpoint is the SHA-256 of the checkpoint's file.

pkg/interpret/testdata/cub10.npz was made with it from the golden intr_r50_200.pth and cub10/val, classes 8 and 0;
sample.npz from pkg/hub/sample/sample.pth and the birds that its test draws (its comment has the commands).
"""
import argparse
import hashlib
import pathlib

import numpy as np
import torch

import intr_torch as ref
import rounding

cli = argparse.ArgumentParser()
cli.add_argument("checkpoint")
cli.add_argument("folder")
cli.add_argument("out")
cli.add_argument("--class-index", type=int, nargs="+", required=True)
cli.add_argument("--top-q", type=int, default=5)
cli.add_argument("--size", type=int, help="short side in pixels; what the checkpoint says, or 800")
cli.add_argument("--step", type=float, default=2e-6)
a = cli.parse_args()

saved = torch.load(a.checkpoint, weights_only=False)
config = ref.config(**saved["args"]) if isinstance(saved["args"], dict) else saved["args"]
model = ref.INTR(config)
model.load_state_dict(saved["model"])
model.eval()
exact = rounding.float64(model)
size = a.size or getattr(config, "eval_size", 800)
root = pathlib.Path(a.folder)
classes = sorted(p for p in root.iterdir() if p.is_dir())
images, truths, similars, logits, nexts, shapes, apart, steps = [], [], [], [], [], [], [], []


def looked_at(answer, similar):
    """Maps of the last layer [q, heads, cells] and logits [q] of the similar classes."""
    scores, attention, _, _ = answer
    return attention[-1][0][:, similar].transpose(0, 1), scores[0][similar]


with torch.no_grad():
    for truth in a.class_index:
        for path in sorted(classes[truth].iterdir()):
            inputs = ref.batch([ref.preprocess(path, size, round(1333 * size / 800))])
            answer = exact(*inputs)
            order = answer[0][0].argsort(descending=True).tolist()
            similar = order[:a.top_q]
            if truth not in similar:
                similar[-1] = truth
            maps, scores = looked_at(answer, similar)
            others = [looked_at(m(*inputs), similar) for m in rounding.float32s(model, shaken=4)]
            each = [[rounding.apart(right, [other]) for right, other in zip((maps, scores), both)] for both in others]
            images.append(path.relative_to(root).as_posix())
            truths.append(truth)
            similars.append(similar)
            logits.append(scores.numpy())
            nexts.append(max(answer[0][0][c].item() for c in order if c not in similar))
            shapes.append(answer[2].shape[2:])
            apart.append(np.max(each, 0))
            steps.append(np.round(maps.numpy() / a.step).ravel())
            print(path.name, similar, "float32 is as far as %.1e, %.1e:" % tuple(apart[-1]), *("%.0e,%.0e" % tuple(e) for e in each), flush=True)
steps = np.concatenate(steps).astype(np.int64)
assert steps.max() < 1 << 16, "the step is too small for two bytes"
np.savez_compressed(a.out, image=np.array(images, dtype="S"), truth=np.int64(truths), similar=np.int64(similars),
                    logits=np.float64(logits), next=np.float64(nexts), shape=np.int64(shapes), float32=np.float64(apart),
                    heads=np.int64(config.nheads), step=np.float64(a.step), low=np.uint8(steps & 255), high=np.uint8(steps >> 8),
                    checkpoint=np.frombuffer(hashlib.sha256(pathlib.Path(a.checkpoint).read_bytes()).digest(), np.uint8))
print(len(images), "pictures")
