"""The published demo in plain PyTorch, from a cold start: python demo.py CHECKPOINT IMAGE OUT.png

Loads the checkpoint, answers one picture, and draws it beside its heads as the demo notebook does."""
import sys

import cv2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import torch  # noqa: E402

import intr_torch as ref  # noqa: E402

checkpoint, image, out = sys.argv[1:]
saved = torch.load(checkpoint, weights_only=False)
model = ref.INTR(saved["args"])
model.load_state_dict(saved["model"])
model.eval()
with torch.no_grad():
    logits, attention, memory, _ = model(*ref.batch([ref.preprocess(image)]))
heads = attention[-1, 0, :, int(logits[0].argmax())].unflatten(-1, memory.shape[-2:]).numpy()
bgr = cv2.resize(cv2.imread(image), (0, 0), fx=0.8, fy=0.8)
panels = [bgr] + [ref.overlay(head, bgr) for head in heads]
figure, axes = plt.subplots(1, len(panels), figsize=(27, 3))
for axis, panel in zip(axes, panels):
    axis.imshow(panel[..., ::-1])
    axis.axis("off")
figure.savefig(out)
