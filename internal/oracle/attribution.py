"""Grad-CAM and attention rollout by PyTorch's own gradients and hooks: what pkg/intr's Attribute is compared with.

    GOINTR_ORACLE/python attribution.py                        writes pkg/intr/testdata/attribution.npz
    GOINTR_ORACLE/python attribution.py CHECKPOINT IMAGE CLASS OUT.npz   of one checkpoint that PyTorch's names describe,
        in float64, and how far float32 is from it, as parts of the maps' greatest values
"""
import pathlib
import sys

import numpy as np
import torch

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here))
import intr_torch as ref  # noqa: E402
import rounding  # noqa: E402


def attributions(model, image, label):
    """image [3,h,w] -> Grad-CAM [rows,cols] of the body's last feature map, rollout [rows,cols], logits [Q]."""
    kept, mixing = {}, []

    def features(_, __, out):
        out.retain_grad()
        kept["features"] = out

    hooks = [model.backbone[0].body.register_forward_hook(features)]
    for layer in model.transformer.encoder.layers:  # torch averages the heads' weights by itself
        hooks.append(layer.self_attn.register_forward_hook(lambda _, __, out: mixing.append(out[1][0].detach().double())))
    model.zero_grad()
    logits, attention, _, _ = model(*ref.batch([image]))
    logits[0, label].backward()
    for hook in hooks:
        hook.remove()
    f = kept["features"]
    cam = (f[0] * f.grad[0].mean((1, 2))[:, None, None]).sum(0).relu().detach()
    rolled = torch.eye(cam.numel(), dtype=torch.float64)
    for a in mixing:
        rolled = (0.5 * a + 0.5 * torch.eye(len(a))) @ rolled
    seen = attention[-1, 0, :, label].detach().double().mean(0) @ rolled
    return cam.numpy(), seen.view(cam.shape).float().numpy(), logits[0].detach().numpy()


def normalise(pixels):
    """uint8 [h,w,3] -> [3,h,w]"""
    t = torch.from_numpy(pixels).permute(2, 0, 1).float().div(255)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (t - mean[:, None, None]) / std[:, None, None]


SMALL = {"basic": dict(blocks=[1, 2, 1, 1], bottleneck=False), "prenorm_learned": dict(blocks=[1, 1, 1, 1], bottleneck=False),
         "dc5": dict(blocks=[1, 1, 1, 2], bottleneck=True)}


def load(path, **changes):
    saved = torch.load(path, map_location="cpu", weights_only=False)
    c = ref.config(**{**(saved["args"] if isinstance(saved["args"], dict) else vars(saved["args"])), **changes})
    model = ref.INTR(c)
    model.load_state_dict(saved["model"])
    return model.eval()


def main():
    if len(sys.argv) == 5:
        model, label = load(sys.argv[1]), int(sys.argv[3])
        image = ref.preprocess(sys.argv[2], getattr(model.c, "eval_size", 800))
        exact = attributions(rounding.float64(model), image, label)
        others = [attributions(m, image, label) for m in rounding.float32s(model, orders=1)]
        far = {f"{name}_float32": float(rounding.apart(exact[i], [o[i] for o in others]) / np.abs(exact[i]).max())
               for i, name in enumerate(("cam", "rollout"))}
        np.savez_compressed(sys.argv[4], cam=np.float32(exact[0]), rollout=np.float32(exact[1]), logits=exact[2], **far)
        return
    data = here.parents[1] / "pkg" / "intr" / "testdata"
    out = {}
    for name, shape in SMALL.items():
        model, saved = load(data / f"{name}.pth", width=4, **shape), np.load(data / f"{name}.npz")
        for i in (0, 1):
            for label in (0, model.c.num_queries - 1):
                cam, rolled, _ = attributions(model, normalise(saved[f"pixels{i}"]), label)
                out[f"{name}_{i}_{label}_cam"], out[f"{name}_{i}_{label}_rollout"] = cam, rolled
    np.savez_compressed(data / "attribution.npz", **out)


if __name__ == "__main__":
    main()
