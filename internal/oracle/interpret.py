"""What the published interpretation script (tools/visualization.py of github.com/Imageomics/INTR) looks at, computed by
PyTorch, as a small fixture: for every picture of some classes the top_q most similar classes, the true one put in the
last place where it is missing, and their attention in the last decoder layer.

    python interpret.py CHECKPOINT.pth DATASET/val OUT.npz --class-index 8 0 [--top-q 5] [--size 800]

A class is a folder, in order of their names. The .npz has, of the pictures in order of class and name: image [n] (their
path in the folder), truth [n], similar [n, q], logits [n, q], gap (the least distance between two neighbours among the
q + 1 highest logits: where it is rounding, the order of the classes is chance), shape [n, 2] (rows and columns of the maps),
and of all maps [n][q, heads, rows, cols], one behind the other, how many times `step` each weight is: low bytes, high
bytes. The step is above rounding (float32 moves these weights by 6e-6 at most, mostly by a thousandth of that), and keeps
a megabyte for 30 pictures of an INTR-R50. checkpoint is the SHA-256 of the checkpoint's file.

pkg/interpret/testdata/cub10.npz was made with it from the golden intr_r50_200.pth and cub10/val, classes 8 and 0;
sample.npz from pkg/hub/sample/sample.pth and the birds that its test draws (its comment has the commands).
"""
import argparse
import hashlib
import pathlib

import numpy as np
import torch

import intr_torch as ref

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
size = a.size or getattr(config, "eval_size", 800)
root = pathlib.Path(a.folder)
classes = sorted(p for p in root.iterdir() if p.is_dir())
images, truths, similars, logits, shapes, steps, gap = [], [], [], [], [], [], np.inf
with torch.no_grad():
    for truth in a.class_index:
        for path in sorted(classes[truth].iterdir()):
            image = ref.preprocess(path, size, round(1333 * size / 800))
            scores, attention, memory, _ = model(*ref.batch([image]))
            best, order = scores[0].topk(min(a.top_q + 1, scores.shape[1]))
            gap = min(gap, float((best[:-1] - best[1:]).min()))
            similar = order[:a.top_q].tolist()
            if truth not in similar:
                similar[-1] = truth
            maps = attention[-1][0][:, similar].transpose(0, 1).numpy()  # [q, heads, cells]
            images.append(path.relative_to(root).as_posix())
            truths.append(truth)
            similars.append(similar)
            logits.append(scores[0][similar].numpy())
            shapes.append(memory.shape[2:])
            steps.append(np.round(maps.astype(np.float64) / a.step).ravel())
            print(path.name, similar, "greatest weight", maps.max(), flush=True)
steps = np.concatenate(steps).astype(np.int64)
assert steps.max() < 1 << 16, "the step is too small for two bytes"
np.savez_compressed(a.out, image=np.array(images, dtype="S"), truth=np.int64(truths), similar=np.int64(similars),
                    logits=np.float32(logits), gap=np.float64(gap), shape=np.int64(shapes), heads=np.int64(attention.shape[2]),
                    step=np.float64(a.step), low=np.uint8(steps & 255), high=np.uint8(steps >> 8),
                    checkpoint=np.frombuffer(hashlib.sha256(pathlib.Path(a.checkpoint).read_bytes()).digest(), np.uint8))
print(len(images), "pictures, least gap of logits", gap)
