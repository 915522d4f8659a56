"""One training step of INTR-R50 with 200 classes on two pictures of 480x640 pixels, with the published settings, in PyTorch.

    python bench_step.py [--steps 5]       prints seconds a step (the median) and the peak memory in MB

Ours is beside it: go test ./pkg/finetune/train -run none -bench StepR50
"""
import argparse
import resource
import statistics
import time

import torch

import intr_torch as ref

cli = argparse.ArgumentParser()
cli.add_argument("--steps", type=int, default=5)
cli.add_argument("--batch", type=int, default=2)
a = cli.parse_args()
torch.manual_seed(0)
model = ref.INTR(ref.config()).train()
for name, p in model.named_parameters():
    if "body.conv1" in name or ".layer1." in name:
        p.requires_grad_(False)
optimizer = ref.optimizer(model)
trained = [p for p in model.parameters() if p.requires_grad]
images, pad = ref.batch([torch.randn(3, 480, 640) for _ in range(a.batch)])
classes = torch.arange(a.batch)


def step():
    loss = torch.nn.functional.cross_entropy(model(images, pad)[0], classes)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 0.1)
    optimizer.step()
    loss.item()


times = []
for _ in range(a.steps + 1):
    start = time.perf_counter()
    step()
    times.append(time.perf_counter() - start)
print(f"{statistics.median(times[1:]):.3f} s a step, {min(times[1:]):.3f} s the fastest; peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
