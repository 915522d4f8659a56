"""GoINTR beside PyTorch (and ONNX Runtime, where it is installed), in turn, in one run: ratios below 1 mean we are faster.

    python bench.py --gointr bin/gointr --checkpoint X.pth --image X.jpg [--runs 5] [--backend auto]
"""
import argparse
import io
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import warnings

import torch

import intr_torch as ref

warnings.filterwarnings("ignore")
cli = argparse.ArgumentParser()
cli.add_argument("--gointr", default="bin/gointr")
cli.add_argument("--checkpoint", required=True, type=os.path.abspath)
cli.add_argument("--image", required=True)
cli.add_argument("--runs", type=int, default=5)
cli.add_argument("--rounds", type=int, default=2)
cli.add_argument("--backend", default="auto")
a = cli.parse_args()


def timed(f):
    start = time.perf_counter()
    result = f()
    return time.perf_counter() - start, result


def load():
    saved = torch.load(a.checkpoint, weights_only=False)
    model = ref.INTR(saved["args"])
    model.load_state_dict(saved["model"])
    return model.eval()


# Loading is timed in a process of its own, as ours is: one that has loaded before has its memory at hand.
LOAD = """
import sys, time, torch, intr_torch as ref
model = ref.INTR(torch.load(sys.argv[1], weights_only=False, mmap=True)["args"])
start = time.perf_counter()
model.load_state_dict(torch.load(sys.argv[1], weights_only=False)["model"])
print(time.perf_counter() - start)
"""


def loading():
    out = subprocess.run([sys.executable, "-W", "ignore", "-c", LOAD, a.checkpoint], check=True, capture_output=True, text=True,
                         cwd=pathlib.Path(__file__).parent).stdout
    return float(out)


@torch.no_grad()
def pytorch():
    model = load()
    reads = [timed(lambda: ref.preprocess(a.image))[0] for _ in range(a.runs)]
    x = ref.batch([ref.preprocess(a.image)])
    model(*x)
    forward = [timed(lambda: model(*x))[0] for _ in range(a.runs)]
    return dict(load=loading(), read=statistics.median(reads), forward=statistics.median(forward))


def gointr():
    out = subprocess.run([a.gointr, "bench", a.image, "--checkpoint", a.checkpoint, "--runs", str(a.runs), "--json",
                          "--backend", a.backend], check=True, capture_output=True, text=True).stdout
    r = json.loads(out)
    return dict(load=r["load"], read=r["read"], forward=r["median"], engine=r["engine"], first=r["first"])


def onnx():
    """One forward pass of ONNX Runtime, or None where it is not installed."""
    try:
        import onnxruntime
        import onnx  # noqa: F401
    except ImportError:
        return None
    model = load()
    x = ref.batch([ref.preprocess(a.image)])
    file = io.BytesIO()
    try:
        torch.onnx.export(model, x, file, dynamo=False, input_names=["images", "pad"])
        session = onnxruntime.InferenceSession(file.getvalue())
    except Exception as error:  # the exporter cannot write every version of torch's attention
        print("ONNX Runtime left out:", str(error).splitlines()[0])
        return None
    inputs = {"images": x[0].numpy(), "pad": x[1].numpy()}
    inputs = {i.name: inputs[i.name] for i in session.get_inputs()}
    session.run(None, inputs)
    return dict(forward=statistics.median(timed(lambda: session.run(None, inputs))[0] for _ in range(a.runs)))


rounds = []
for i in range(a.rounds):
    rounds.append((gointr(), pytorch()))
    print(f"round {i + 1} of {a.rounds}: " + ", ".join(
        f"{k} {rounds[-1][0][k]:.3f} s : {rounds[-1][1][k]:.3f} s" for k in ("load", "read", "forward")), flush=True)
print(f"engine: {rounds[0][0]['engine']}; PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
for k in ("load", "read", "forward"):
    print(f"{k:8} GoINTR / PyTorch = {statistics.median(g[k] / p[k] for g, p in rounds):.2f}")
peer = onnx()
if peer:
    print(f"forward  GoINTR / ONNX Runtime = {statistics.median(g['forward'] for g, _ in rounds) / peer['forward']:.2f}"
          f"   (ONNX Runtime {peer['forward']:.3f} s)")
