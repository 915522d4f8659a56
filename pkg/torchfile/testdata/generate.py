"""Makes zoo.pth, zoo_legacy.pth, zoo.safetensors and zoo.json: every kind of value that a training script saves,
as PyTorch and safetensors write it, and what it is in plain words. Run in this folder with PyTorch, NumPy and safetensors."""
import argparse, collections, json
import numpy as np
import safetensors.torch
import torch

torch.manual_seed(0)
base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 7
tied = torch.randn(3, 5)
model = collections.OrderedDict()
for dtype in [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
              torch.int8, torch.uint64, torch.uint32, torch.uint16, torch.uint8]:
    values = torch.tensor([0, 1, 2, 100, 3, 7]) if str(dtype).startswith("torch.u") else torch.tensor([0, -1, 2.5, 100, -0.001, 7])
    model[str(dtype).removeprefix("torch.")] = values.to(dtype).reshape(2, 3)
model["half_edges"] = torch.tensor([65504, 6e-8, -6.1e-5, float("inf"), 0.1], dtype=torch.float16)
model["bool"] = torch.tensor([True, False, True])
model["transposed"] = base.t()
model["column"] = base[:, 2]
model["corner"] = base[1:3, 2:5]
model["stepped"] = base[::2, ::3]
model["expanded"] = torch.tensor([[1.5], [2.5]]).expand(2, 4)
model["number"] = torch.tensor(3.25)
model["empty"] = torch.zeros(0, 4)
model["tied.a"], model["tied.b"] = tied, tied
model["channels_last"] = torch.arange(48, dtype=torch.float32).reshape(2, 3, 2, 4).contiguous(memory_format=torch.channels_last)
model["parameter"] = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
model["frozen"] = torch.nn.Parameter(torch.tensor([3.0]), requires_grad=False)
model._metadata = collections.OrderedDict({"": {"version": 1}})

layer = torch.nn.Linear(2, 2)
optimizer = torch.optim.AdamW(layer.parameters(), lr=1e-4)
layer(torch.ones(1, 2)).sum().backward()
optimizer.step()
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 80)
plain = {
    "epoch": 12, "negative": -3, "wide": 2**40, "wider": 2**70, "narrow": -(2**70), "rate": 1e-4, "text": "Öä ✓", "none": None,
    "yes": True, "no": False, "list": [1, [2, "three"]], "tuple": (1, (2.5,)), "size": torch.Size([2, 3]), "bytes": b"\x00\xff",
    "set": {4}, "default": collections.defaultdict(int, {"a": 1}), "counter": collections.Counter("aab"),
    "float_key": {1.5: "x", 2: "y", ("a", 1): "z"}, "device": torch.device("cuda", 1), "dtype": torch.bfloat16,
    "float64": np.float64(0.5), "float32": np.float32(0.25), "int64": np.int64(-7), "bool_": np.bool_(True),
}
zoo = {
    "model": model, "optimizer": optimizer.state_dict(), "lr_scheduler": schedule.state_dict(), "plain": plain,
    "args": argparse.Namespace(backbone="resnet50", lr=1e-4, nheads=8, dilation=False, resume=None, names=["a", "b"]),
}
torch.save(zoo, "zoo.pth")
torch.save(zoo, "zoo_legacy.pth", _use_new_zipfile_serialization=False)
safe = {k: v.detach().contiguous().clone() for k, v in model.items() if not v.dtype.is_complex}
safetensors.torch.save_file(safe, "zoo.safetensors", metadata={"format": "pt", "note": "Öä"})


def words(v):
    """The value with its Python type beside it where JSON has none."""
    if isinstance(v, torch.Tensor):
        wide = v.detach()
        if wide.dtype in (torch.float64, torch.float16, torch.bfloat16):
            wide = wide.float()  # what Float32s gives
        flat = [float(x) if np.isfinite(float(x)) else str(float(x)) for x in wide.reshape(-1).tolist()]
        return {"tensor": str(v.dtype).removeprefix("torch."), "shape": list(v.shape), "values": flat}
    if isinstance(v, argparse.Namespace):
        return {"object": "argparse.Namespace", "fields": words(vars(v))}
    if isinstance(v, dict):
        return {"dict": [[words(k), words(x)] for k, x in v.items()], "ordered": isinstance(v, collections.OrderedDict)}
    if isinstance(v, (set, list, tuple)):
        kind = "set" if isinstance(v, set) else "list" if isinstance(v, list) else "tuple"
        return {kind: [words(x) for x in v]}
    if isinstance(v, bytes):
        return {"bytes": list(v)}
    if isinstance(v, torch.device):
        return {"device": str(v)}
    if isinstance(v, torch.dtype):
        return {"dtype": str(v).removeprefix("torch.")}
    if v is None or isinstance(v, (bool, np.bool_)):
        return None if v is None else bool(v)
    if isinstance(v, (int, np.integer)):
        return {"int": str(int(v))}
    if isinstance(v, (float, np.floating)):
        return {"float": float(v)}
    return str(v)


json.dump(words(zoo), open("zoo.json", "w"), indent=None, separators=(",", ":"), ensure_ascii=False)
