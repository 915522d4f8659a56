"""Writes what PyTorch ranks first, in float64, for every picture of a folder: first_classes.py CHECKPOINT.pth FOLDER > first.json

For each picture the first class, and where others follow closely, those with how far behind, and how far float32 is from
these logits (rounding.py). pkg/intr/testdata/cub10_first.json was made with it from the golden intr_r50_200.pth and
cub10/val (15 minutes, 2 cores).
"""
import json
import pathlib
import sys

import torch

import intr_torch as ref
import rounding

CLOSE = 0.05  # more than rounding has done to a logit of this model

checkpoint = torch.load(sys.argv[1], weights_only=False)
model = ref.INTR(checkpoint["args"])
model.load_state_dict(checkpoint["model"])
model.eval()
exact = rounding.float64(model)
root = pathlib.Path(sys.argv[2])
first = {}
with torch.no_grad():
    files = sorted(root.rglob("*.jpg"))
    for path in sorted(files, key=lambda f: (files.index(f) % 10 != 0, f)):
        inputs = ref.batch([ref.preprocess(path)])
        logits = exact(*inputs)[0][0]
        behind = logits.max() - logits
        best, *others = behind.argsort().tolist()
        answer = {"first": best}
        if close := {str(c): round(behind[c].item(), 5) for c in others if behind[c] < CLOSE}:
            float32s = [m(*inputs)[0][0] for m in rounding.float32s(model, orders=1, shaken=2)]
            answer |= {"behind": close, "float32": float(f"{rounding.apart(logits, float32s):.3g}")}
        first[str(path.relative_to(root))] = answer
        print(path.name, answer, file=sys.stderr, flush=True)
print("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in first.items()) + "\n}")
