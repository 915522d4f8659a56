"""Writes what PyTorch ranks first for every picture of a folder: first_classes.py CHECKPOINT.pth FOLDER > first.json

pkg/intr/testdata/cub10_first.json was made with it from the golden intr_r50_200.pth and cub10/val (5 minutes, 2 cores).
"""
import json
import pathlib
import sys

import torch

import intr_torch as ref

checkpoint = torch.load(sys.argv[1], weights_only=False)
model = ref.INTR(checkpoint["args"])
model.load_state_dict(checkpoint["model"])
model.eval()
root = pathlib.Path(sys.argv[2])
first = {}
with torch.no_grad():
    for path in sorted(root.rglob("*.jpg")):
        logits = model(*ref.batch([ref.preprocess(path)]))[0][0]
        first[str(path.relative_to(root))] = int(logits.argmax())
json.dump(first, sys.stdout, indent=0)
