"""Writes custom.json beside this file: what PyTorch computes of the numbers in custom.ipynb, with the small checkpoint
basic.pth of this repository and bunting.jpg.

    GOINTR_ORACLE/python custom.py          (torch 2.13; see internal/oracle/README.md)
"""
import collections
import json
import pathlib
import sys

import torch
import torchvision
from torchvision.models.resnet import BasicBlock

root = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(root / "internal" / "oracle"))
import intr_torch as ref  # noqa: E402


def basic():
    """The model of basic.pth: a ResNet of 4 channels with 1, 2, 1, 1 blocks."""
    saved = torch.load(root / "pkg/intr/testdata/basic.pth", weights_only=False)
    c = saved["args"]
    c.backbone = "resnet18"
    model = ref.INTR(c)
    body = torchvision.models.ResNet(BasicBlock, [1, 1, 1, 1], norm_layer=ref.FrozenBN)
    body.inplanes = 4
    body.conv1, body.bn1 = torch.nn.Conv2d(3, 4, 7, 2, 3, bias=False), ref.FrozenBN(4)
    for i, blocks in enumerate((1, 2, 1, 1)):
        setattr(body, f"layer{i + 1}", body._make_layer(BasicBlock, 4 << i, blocks, stride=1 if i == 0 else 2))
    parts = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
    model.backbone[0].body = torch.nn.Sequential(collections.OrderedDict((p, getattr(body, p)) for p in parts))
    model.input_proj = torch.nn.Conv2d(32, c.hidden_dim, 1)
    model.load_state_dict(saved["model"])
    return model.eval()


class Attention(torch.nn.Module):
    """torch.nn.MultiheadAttention written out, with its weights on the way to its result; silent is a head left out."""

    def __init__(self, of):
        super().__init__()
        self.of, self.weights, self.silent = of, None, None

    def forward(self, query, key, value, key_padding_mask=None, average_attn_weights=False):
        d, heads = self.of.embed_dim, self.of.num_heads
        projected = zip((query, key, value), self.of.in_proj_weight.split(d), self.of.in_proj_bias.split(d))
        q, k, v = ((x @ w.T + b).unflatten(-1, (heads, d // heads)) for x, w, b in projected)  # [length, 1, heads, d/heads]
        scores = torch.einsum("qbhe,nbhe->bhqn", q, k) / (d // heads) ** 0.5
        self.weights = scores.softmax(-1)
        result = torch.einsum("bhqn,nbhe->qbhe", self.weights, v)
        if self.silent is not None:
            result = result.clone()
            result[:, :, self.silent] = 0
        return self.of.out_proj(result.flatten(2)), self.weights


def main():
    model = basic()
    images, pad = ref.batch([ref.preprocess(root / "notebooks/bunting.jpg")])
    last = model.transformer.decoder.layers[-1]
    published = model(images, pad)[0]
    last.multihead_attn = attention = Attention(last.multihead_attn)
    logits, _, memory, states = model(images, pad)
    torch.testing.assert_close(logits, published, atol=1e-5, rtol=1e-5)

    best = logits[0].argmax().item()
    lead = lambda values: values[best] - values.mean()  # noqa: E731
    worth = torch.stack([torch.autograd.grad(logits[0, c], attention.weights, retain_graph=True)[0][0, :, c] for c in range(logits.shape[1])], 1)
    worth = worth * attention.weights[0]  # [heads, classes, cells]
    full, lost = lead(logits[0]).item(), []
    for head in range(attention.of.num_heads):
        attention.silent = head
        lost.append(full - lead(model(images, pad)[0][0]).item())
    told = {
        "logits": model.presence_vector(states)[:, 0, :, 0].tolist(),  # of every decoder layer
        "weighed": worth.clamp(min=0).mean(0)[best].unflatten(-1, memory.shape[2:]).tolist(),
        "lost": lost,
        "estimate": [lead(w.sum(-1)).item() for w in worth],
    }
    told = {k: json.loads(json.dumps(v), parse_float=lambda s: float(f"{float(s):.6g}")) for k, v in told.items()}
    pathlib.Path(__file__).with_name("custom.json").write_text("{\n" + ",\n".join(f'"{k}": {json.dumps(v)}' for k, v in told.items()) + "\n}\n")


main()
