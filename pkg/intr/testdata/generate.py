"""Writes the small checkpoints beside this file and what PyTorch answers with them.

    GOINTR_ORACLE/python generate.py          (torch 2.13; see internal/oracle/README.md)

Slim ResNets (4 channels instead of 64) keep each under 200 KB. The weights are random, with BatchNorm buffers far from
the identity and peaked attention, so that a wrong transpose, mask, head order or epsilon shows.
"""
import argparse
import collections
import pathlib
import sys

import numpy as np
import torch
import torchvision
from torchvision.models.resnet import BasicBlock, Bottleneck

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parents[2] / "internal" / "oracle"))
import intr_torch as ref  # noqa: E402

MODELS = {
    "basic": dict(block=BasicBlock, blocks=[1, 2, 1, 1], hidden_dim=16, nheads=2, enc_layers=1, dec_layers=2,
                  dim_feedforward=24, num_queries=5),
    "prenorm_learned": dict(block=BasicBlock, blocks=[1, 1, 1, 1], hidden_dim=16, nheads=4, enc_layers=2, dec_layers=2,
                            dim_feedforward=24, num_queries=3, pre_norm=True, position_embedding="learned"),
    "dc5": dict(block=Bottleneck, blocks=[1, 1, 1, 2], hidden_dim=16, nheads=2, enc_layers=1, dec_layers=1,
                dim_feedforward=24, num_queries=4, dilation=True),
}
WIDTH = 4


def slim(block, blocks, dilation):
    """A torchvision ResNet of WIDTH channels."""
    body = torchvision.models.ResNet(block, [1, 1, 1, 1], norm_layer=ref.FrozenBN)
    body.inplanes = WIDTH
    body.conv1 = torch.nn.Conv2d(3, WIDTH, 7, 2, 3, bias=False)
    body.bn1 = ref.FrozenBN(WIDTH)
    for i, n in enumerate(blocks):
        layer = body._make_layer(block, WIDTH << i, n, stride=1 if i == 0 else 2, dilate=dilation and i == 3)
        setattr(body, f"layer{i + 1}", layer)
    parts = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
    return torch.nn.Sequential(collections.OrderedDict((p, getattr(body, p)) for p in parts))


def fill(model):
    for name, t in model.state_dict().items():
        if name.endswith("running_var") or ("bn" in name or "downsample.1" in name) and name.endswith("weight"):
            v = torch.rand(t.shape) + 0.5
        elif name == "input_proj.weight":  # features of size 1, so that rounding is not magnified
            v = torch.randn(t.shape) * 0.05 / t[0].numel() ** 0.5
        elif t.dim() == 4:
            v = torch.randn(t.shape) * (2 / t[0].numel()) ** 0.5
        elif t.dim() == 2 and "query_embed" not in name:
            v = torch.randn(t.shape) * (1 / t.shape[1]) ** 0.5 * (1.8 if "in_proj" in name else 10 if "presence" in name else 1)
        elif "norm" in name and name.endswith("weight"):
            v = torch.rand(t.shape) * 0.5 + 0.75
        else:
            v = torch.randn(t.shape) * (1.0 if "embed" in name else 0.1)
        t.copy_(v)


@torch.no_grad()
def main():
    torch.manual_seed(0)
    for name, change in MODELS.items():
        block, blocks = change.pop("block"), change.pop("blocks")
        c = ref.config(backbone="resnet18", **{**change, "dilation": False})
        m = ref.INTR(c)
        c.dilation = change.get("dilation", False)
        body = slim(block, blocks, c.dilation)
        m.backbone[0].body = body
        m.input_proj = torch.nn.Conv2d((WIDTH << 3) * block.expansion, c.hidden_dim, 1)
        fill(m)
        m.eval()
        c.backbone = "slim"
        torch.save({"model": m.state_dict(), "epoch": 0, "args": argparse.Namespace(**vars(c))}, here / f"{name}.pth",
                   _use_new_zipfile_serialization=name != "dc5")
        kept = {}
        for part in ("relu", "layer1", "layer2", "layer3", "layer4"):
            def keep(_, __, out, part=part):
                kept.setdefault("stem" if part == "relu" else part, out)
            getattr(body, part).register_forward_hook(keep)
        m.input_proj.register_forward_hook(lambda _, __, out: kept.setdefault("projected", out))
        one, two = torch.rand(96, 150, 3), torch.rand(133, 70, 3)
        pixels = [(i * 255).round().to(torch.uint8) for i in (one, two)]

        def normalise(p):
            mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
            t = p.permute(2, 0, 1).float().div(255)
            return (t - mean[:, None, None]) / std[:, None, None]

        # The order of the layers, so that a failing comparison can name the first that diverges.
        def answers(prefix, images):
            kept.clear()
            logits, attention, memory, hs = m(*ref.batch(images))
            last = {k: v.permute(0, 2, 3, 1) for k, v in kept.items() if prefix == "batch"}
            out = {**last, "memory": memory.permute(0, 2, 3, 1), "attention": attention, "states": hs, "logits": logits}
            return {f"{prefix}_{k}": v.contiguous().numpy() for k, v in out.items()}

        images = [normalise(p) for p in pixels]
        np.savez_compressed(here / f"{name}.npz", pixels0=pixels[0].numpy(), pixels1=pixels[1].numpy(),
                            **answers("batch", images), **answers("alone0", images[:1]), **answers("alone1", images[1:]))


if __name__ == "__main__":
    main()
