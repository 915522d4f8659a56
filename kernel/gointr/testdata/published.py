"""Runs the published scripts themselves and writes published.json: what their log.txt and folders have.

    GOINTR_ORACLE/python published.py CLONE GOINTR

CLONE is a clone of github.com/Imageomics/INTR at commit 69b8a69, GOINTR this project's program: it draws the birds that
are evaluated and unpacks its sample, which is small enough for a test. What is changed of the published code is written
below, and no more than that: the ResNet is the sample's, pictures have its size, and what is random is left out, so that
numbers can be compared.
"""
import io
import json
import os
import pathlib
import runpy
import shutil
import subprocess
import sys
import tempfile
import types
import zipfile

import numpy as np
import torch
import torchvision
from PIL import Image

here = pathlib.Path(__file__).parent
clone, gointr = (os.path.abspath(p) for p in sys.argv[1:3])
sys.path.insert(0, str(here.parents[2] / "internal" / "oracle"))
import intr_torch as ref  # noqa: E402

sys.path.insert(0, clone)
sys.modules["seaborn"] = types.ModuleType("seaborn")  # imported, and not used
os.environ["CUDA_VISIBLE_DEVICES"] = ""
load = torch.load
torch.load = lambda *a, **k: load(*a, **{**k, "weights_only": False})  # PyTorch's default before 2.6


def resnet(replace_stride_with_dilation, pretrained, norm_layer):
    net = ref.slim([1, 1, 1, 0], 32, False, False, norm_layer)
    net.layer4 = torch.nn.Identity()
    return net


torchvision.models.resnet50 = resnet
import datasets.build as build  # noqa: E402
import datasets.transforms as T  # noqa: E402
import models.backbone as backbone  # noqa: E402
import util.misc as utils  # noqa: E402

init = backbone.BackboneBase.__init__
backbone.BackboneBase.__init__ = lambda self, net, train, channels, layers: init(self, net, train, 128, layers)
make = build.make_transforms


def transforms(image_set, args):
    """The published evaluation's for training, too, at a short side of SIZE pixels."""
    made = make("val", args)
    made.transforms[0] = T.RandomResize([SIZE], max_size=round(1333 * SIZE / 800))
    return made


build.make_transforms = transforms
load_model = utils.load_model


def with_presence(args, state):
    state = load_model(args, state)
    state["presence_vector.weight"] = PRESENCE
    return state


utils.load_model = with_presence
zero_grad, CLEAR = torch.optim.AdamW.zero_grad, False


def clear(self, *a, **k):
    zero_grad(self, *a, **k)
    if CLEAR:
        for p in FROZEN:
            p.grad = None


torch.optim.AdamW.zero_grad = clear
FROZEN = []
clip = torch.nn.utils.clip_grad_norm_


def clipped(parameters, norm):
    """With CLEAR only what the optimizer has is clipped."""
    parameters = list(parameters)
    if CLEAR:
        FROZEN[:] = [p for n, p in zip(NAMES, parameters) if "body.conv1" in n or "body.layer1" in n]
        parameters = [p for p in parameters if not any(p is f for f in FROZEN)]
    return clip(parameters, norm)


torch.nn.utils.clip_grad_norm_ = clipped
TINY = "--hidden_dim 64 --nheads 8 --enc_layers 1 --dec_layers 2 --dim_feedforward 128 --device cpu --num_workers 0".split()


def call(script, *words):
    global NAMES
    sys.argv = [script, *words, *TINY]
    NAMES = names
    runpy.run_path(os.path.join(clone, script), run_name="__main__")


def lines(folder):
    return [json.loads(line) for line in (folder / "log.txt").read_text().splitlines()]


def mirrored():
    """Pictures for training that are their own mirror images, in published.zip."""
    rng = np.random.default_rng(15)
    with zipfile.ZipFile(here / "published.zip", "w", zipfile.ZIP_DEFLATED) as z:
        for split in ("train", "val"):
            for k in range(5):
                for n in range(2):
                    half = rng.integers(0, 2, (8, 5, 3)) * 80 + np.array([k * 40, 90, 175 - k * 40])
                    whole = np.kron(np.concatenate([half, half[:, ::-1]], 1), np.ones((8, 8, 1))).clip(0, 255)
                    out = io.BytesIO()
                    Image.fromarray(whole.astype(np.uint8)).save(out, "PNG", optimize=True)
                    z.writestr(zipfile.ZipInfo(f"mirrored/{split}/{k}/{n}.png"), out.getvalue())


def detr(model):
    """The sample as a DETR would be: boxes and classes in place of the presence vector."""
    state = {k: v for k, v in model.items() if not k.startswith("presence")}
    state["class_embed.weight"], state["class_embed.bias"] = torch.zeros(92, 64), torch.zeros(92)
    for i, n in enumerate((64, 64, 4)):
        state[f"bbox_embed.layers.{i}.weight"], state[f"bbox_embed.layers.{i}.bias"] = torch.zeros(n, 64), torch.zeros(n)
    return state


def names_of(model):
    return [k for k in model if "bn" not in k and "downsample.1" not in k]


mirrored()
work = pathlib.Path(tempfile.mkdtemp())
os.chdir(work)
with zipfile.ZipFile(here / "published.zip") as z:
    z.extractall("datasets")
subprocess.run([gointr, "birds", "datasets/birds", "--classes", "8", "--per-class", "6", "--size", "128"], check=True)
subprocess.run([gointr, "convert", "sample", "sample.pth"], check=True)
sample = load("sample.pth", weights_only=False)
torch.save({"model": detr(sample["model"]), "args": {"nheads": 8, "eval_size": 64}}, "detr.pth")
# What is random in the start here, by the seed: the presence vector.
subprocess.run([gointr, *"finetune --from detr.pth --dataset datasets/mirrored --lr 0 --lr-backbone 0 --weight-decay 0 "
                "--epochs 1 --batch-size 10 --backend go --out start".split()], check=True)
PRESENCE = load("start/checkpoint.pth", weights_only=False)["model"]["presence_vector.weight"]
names = []
answers = {}
SIZE = 128
birds = "--dataset_path datasets --dataset_name birds".split()
call("main.py", "--eval", "--resume", "sample.pth", *birds, "--num_queries", "8", "--batch_size", "5")
answers["eval"] = lines(work / "output/birds/output_sub")
call("tools/visualization.py", "--eval", "--resume", "sample.pth", *birds, "--num_queries", "8", "--class_index", "1",
     "--top_q", "2", "--dec_layer_index", "1")
answers["interpret"] = {
    p.relative_to(work).as_posix(): [*Image.open(p).size, round(float(np.asarray(Image.open(p).convert("RGB")).mean()), 3)]
    for p in sorted((work / "output/visualization").rglob("*.png"))}
SIZE = 64
start = ("--finetune detr.pth --dataset_path datasets --dataset_name mirrored --num_queries 5 --batch_size 10 --dropout 0 "
         "--noise_frac 0 --lr_drop 5").split()




import models  # noqa: E402

built = models.build_model


def remember(args):
    model, criterion = built(args)
    names[:] = [n for n, _ in model.named_parameters()]
    return model, criterion


models.build_model = remember
for name, more, cleared in (("clip0", "--clip_max_norm 0", False), ("published", "", False), ("cleared", "", True)):
    CLEAR = cleared
    call("main.py", *start, "--epochs", "12", "--lr", "1e-3", "--lr_backbone", "1e-3", "--output_sub_dir", name, *more.split())
    folder = work / "output/mirrored" / name
    answers[name] = {"log": lines(folder), "files": sorted(p.name for p in folder.iterdir())}
CLEAR = False
data = "--dataset_path datasets --dataset_name mirrored --num_queries 5 --batch_size 10 --dropout 0".split()
shutil.copytree("output/mirrored/clip0", "output/mirrored/on")
call("main.py", "--resume", "output/mirrored/on/checkpoint.pth", *data, "--epochs", "14", "--output_sub_dir", "on", "--lr",
     "1", "--lr_drop", "7", "--clip_max_norm", "0")
answers["resume"] = {"log": lines(work / "output/mirrored/on"), "files": sorted(
    p.name for p in (work / "output/mirrored/on").iterdir())}
call("main.py", "--eval", "--resume", "output/mirrored/clip0/checkpoint.pth", *data, "--batch_size", "3",
     "--output_sub_dir", "uneven")
answers["uneven"] = lines(work / "output/mirrored/uneven")
weights = load("start/checkpoint.pth", weights_only=False)["model"]
torch.save({"model": weights}, "weights.pth")
call("main.py", "--resume", "weights.pth", *data, "--epochs", "5", "--start_epoch", "2", "--lr", "1e-3", "--lr_backbone", "0",
     "--lr_scheduler", "CosineAnnealingLR", "--min_lr", "1e-4", "--weight_decay", "0.1", "--output_sub_dir", "weights")
answers["weights"] = {"log": lines(work / "output/mirrored/weights"), "files": sorted(
    p.name for p in (work / "output/mirrored/weights").iterdir())}
(here / "published.json").write_text(json.dumps(answers, indent=0) + "\n")
