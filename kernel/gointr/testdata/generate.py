"""Draws the pictures in eval/val beside this file, 11 of 5 classes in four sizes, and writes eval.json: what PyTorch
answers when it evaluates pkg/intr/testdata/basic on them at a short side of 96 pixels, alone and in batches of 3.

    GOINTR_ORACLE/python generate.py          (see internal/oracle/README.md)
"""
import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image

here = pathlib.Path(__file__).parent
root = here.parents[2]
sys.path.insert(0, str(root / "internal" / "oracle"))
import evaluate  # noqa: E402
import intr_torch as ref  # noqa: E402

SIZES = [(48, 36), (36, 48), (47, 36), (35, 46)]  # of few canvases, so that little is compiled
rng = np.random.default_rng(2)
folder = here / "eval" / "val"
for i, (bird, n) in enumerate([("001.Wren", 3), ("002.Rook", 2), ("003.Crow", 2), ("004.Owl", 3), ("005.Gull", 1)]):
    (folder / bird).mkdir(parents=True, exist_ok=True)
    for k in range(n):
        w, h = SIZES[rng.integers(len(SIZES))]
        spots = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((w, h), Image.BICUBIC)
        Image.fromarray(np.asarray(spots) // 16 * 16).save(folder / bird / f"{k + 1}.png", optimize=True)

checkpoint = torch.load(root / "pkg" / "intr" / "testdata" / "basic.pth", weights_only=False)
c = checkpoint["args"]
c.blocks, c.width, c.bottleneck = [1, 2, 1, 1], 4, False
model = ref.INTR(c)
model.load_state_dict(checkpoint["model"])
model.eval()
answers = {str(n): evaluate.loop(model, folder, n, 96) for n in (1, 3)}
(here / "eval.json").write_text(json.dumps(answers, indent=1) + "\n")
