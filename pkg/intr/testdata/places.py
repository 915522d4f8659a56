"""Makes places.tar.xz: a tiny INTR as training frameworks keep its weights, plain and averaged, alone and beside each
other, whole models too; the same in other types of numbers; and places.json, what is to be taken from each, with PyTorch's
numbers. Run in this folder with PyTorch and timm; see internal/oracle/README.md."""
import argparse, collections, copy, io, json, pathlib, sys, tarfile, types, warnings

import safetensors.torch
import timm.utils
import torch
import torchvision
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torchvision.models.resnet import BasicBlock

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parents[2] / "internal" / "oracle"))
import intr_torch as ref  # noqa: E402
from generate import fill  # noqa: E402

warnings.filterwarnings("ignore")
WIDTH = 2


def tiny(layers, hidden):
    """An INTR of a ResNet that has the first layers only, of one block each."""
    c = ref.config(backbone="resnet18", hidden_dim=hidden, nheads=2, enc_layers=1, dec_layers=1, dim_feedforward=hidden, num_queries=3)
    m = ref.INTR(c)
    body = torchvision.models.ResNet(BasicBlock, [1, 1, 1, 1], norm_layer=ref.FrozenBN)
    body.inplanes, body.conv1, body.bn1 = WIDTH, nn.Conv2d(3, WIDTH, 7, 2, 3, bias=False), ref.FrozenBN(WIDTH)
    parts = {k: getattr(body, k) for k in ("conv1", "bn1", "relu", "maxpool")}
    for i in range(layers):
        parts[f"layer{i + 1}"] = body._make_layer(BasicBlock, WIDTH << i, 1, stride=1 if i == 0 else 2)
    m.backbone[0].body = nn.Sequential(collections.OrderedDict(parts))
    m.input_proj = nn.Conv2d(WIDTH << layers - 1, hidden, 1)
    with torch.no_grad():
        fill(m)
    return m.eval(), c


class Lit(nn.Module):
    """As a LightningModule holds its model."""

    def __init__(self, model):
        super().__init__()
        self.model, self.criterion = model, nn.CrossEntropyLoss()


class ModelEMA:
    """As detectors keep an average: an object that is no module."""

    def __init__(self, model):
        self.ema, self.updates, self.decay = model, 7, 0.99


@torch.no_grad()
def main():
    torch.manual_seed(0)
    m, c = tiny(1, 8)
    mean = copy.deepcopy(m)
    for t in mean.state_dict().values():
        t.mul_(0.5)
    sd, ema = m.state_dict(), mean.state_dict()
    learned = {k: v for k, v in ema.items() if not (".bn" in k or "downsample.1" in k)}  # no buffers

    def under(prefix, state=sd):
        return collections.OrderedDict((prefix + k, v) for k, v in state.items())

    def inside(segment, state=sd):
        """Each layer of the transformer wrapped by itself."""
        return collections.OrderedDict((k.replace(".layers.0.", f".layers.0.{segment}."), v) for k, v in state.items())

    m, mean = copy.deepcopy(m), copy.deepcopy(mean)
    del m.c, mean.c  # whole models have no options beside them: their modules know
    averaged = torch.optim.swa_utils.AveragedModel(m)
    averaged.update_parameters(m)
    averaged.module.load_state_dict(ema)
    timm_ema = timm.utils.ModelEmaV3(m)
    timm_ema.module.load_state_dict(ema)
    saved_by_part = copy.deepcopy(m)
    saved_by_part.transformer.encoder.layers[0] = checkpoint_wrapper(saved_by_part.transformer.encoder.layers[0])
    optimizer = torch.optim.AdamW(m.parameters(), lr=1e-4)
    named = {"state": {k: {"exp_avg": v * 0 + 3, "step": torch.tensor(1.0)} for k, v in sd.items()}, "param_groups": [{"params": list(sd)}]}

    plain = {  # without an average
        "bare": sd, **{key: {key: sd} for key in ("model", "state_dict", "model_state_dict", "model_state", "net", "network", "weights",
                                                  "params", "module", "checkpoint", "netG", "classifier")},
        "nested": {"checkpoint": {"model": {"state_dict": sd}}}, "nested again": {"state_dict": {"model": under("module.")}},
        **{p: under(p) for p in ("module.", "_orig_mod.", "model.", "net.", "network.", "module._orig_mod.", "_orig_mod.module.",
                                 "module.module.", "model.model.", "model._orig_mod.", "state_dict.", "model.module._orig_mod.net.")},
        "DataParallel": {"model": nn.DataParallel(m).state_dict()}, "compile": {"model": torch.compile(m).state_dict()},
        "FSDP": {"model": under("_fsdp_wrapped_module.", inside("_fsdp_wrapped_module"))},
        "checkpointed": {"model": inside("_checkpoint_wrapped_module")}, "checkpoint_wrapper": {"model": saved_by_part.state_dict()},
        "compiled by part": {"model": inside("_orig_mod")},
        "optimizer by names": {"optimizer": named, "model": sd}, "gradients": {"grads": under("", ema), "model": sd},
        "ignite": {"model": sd, "trainer": {"epoch": 3}, "optimizer": optimizer.state_dict()},
        "Lightning": {"epoch": 1, "global_step": 9, "pytorch-lightning_version": "2.5.0", "state_dict": under("model."), "loops": {},
                      "callbacks": {"EarlyStopping{'monitor': 'loss'}": {"best_score": torch.tensor(0.5)}},
                      "optimizer_states": [optimizer.state_dict()], "lr_schedulers": []},
        "a counter": {"model": under("") | {"num_batches_tracked": torch.tensor(3), "ema_decay": torch.tensor(0.9)}},
        "a generator": {"rng_state": torch.get_rng_state()[:16], "model": sd, "torch_rng_state": [torch.zeros(3, dtype=torch.uint8)]},
        "EMA numbers": {"model": sd, "ema_decay": 0.99, "ema_updates": torch.tensor(3)},
        "shadow_params": {"model": sd, "ema": {"decay": 0.9, "shadow_params": list(ema.values())}},
        "whole": m, "whole, inside": {"model": m, "epoch": 3}, "whole, DataParallel": nn.DataParallel(m), "whole, Lit": Lit(m),
        "whole, compiled": torch.compile(m),
    }
    both = {  # plain and average
        **{key: {"model": sd, key: ema} for key in ("model_ema", "ema", "module_ema", "ema_model", "ema_state_dict", "state_dict_ema",
                                                    "model_ema_state_dict", "ema_weights", "net_ema", "swa_model", "averaged_model",
                                                    "modelEMA", "model_averaged", "teacher")},
        "EMA first": {"model_ema": ema, "model": sd}, "EMA of module": {"model_ema": under("module.", ema), "state_dict": under("module.")},
        "EMA in a state": {"ema": {"module": ema, "decay": 0.99}, "model": sd}, "EMA in states": {"model_ema": {"state_dict": ema}, "model": sd},
        "EMA inside Lightning": {"state_dict": under("model.") | under("ema_model.module.", ema)},
        "EMA inside a module": {"model": under("net.") | under("net_ema.", ema)},
        "AveragedModel": {"model": sd, "other": averaged.state_dict()}, "timm": {"state_dict": sd, "state_dict_ema": timm_ema.module.state_dict()},
        "online": {"ema": under("online_model.") | under("ema_model.", ema) | {"step": torch.tensor(3)}},
        "student": {"teacher": under("module.", ema), "student": under("module.")},
        "modelStudent": under("modelTeacher.", ema) | under("modelStudent."), "only learned": {"model": sd, "ema": learned},
        "compiled": {"model": under("_orig_mod."), "ema": under("_orig_mod.", ema)},
        "whole, both": {"model": m, "ema": mean}, "whole, EMA in an object": {"model": m, "ema": ModelEMA(mean)},
        "whole, AveragedModel": {"swa_model": averaged, "model": m},
    }
    alone = {"ema.": under("ema.", ema), "alone": {"model_ema": under("module.", ema)}, "averaged alone": averaged.state_dict(),
             "whole, averaged alone": averaged}
    options = {"args": argparse.Namespace(**vars(c)), "hyper_parameters": vars(c), "config": types.SimpleNamespace(**vars(c)),
               "hparams": {"model": vars(c)}}
    files, told = {}, {"files": {}}
    for kinds, names in (plain, ["plain"]), (both, ["plain", "ema"]), (alone, ["ema"]):
        for i, (name, root) in enumerate(kinds.items()):
            whole = name.startswith("whole")
            if type(root) is dict and not whole:
                root[list(options)[i % 4]] = list(options.values())[i % 4]
            for protocol, new in ((0, False), (2, False), (2, True), (4, True)) if name in ("whole", "whole, both") else ((2, True),):
                out = io.BytesIO()
                try:
                    torch.save(root, out, pickle_protocol=protocol, _use_new_zipfile_serialization=new)
                except Exception as error:
                    print(name, protocol, new, type(error).__name__, error)
                    continue
                file = f"{name}/{'zip' if new else 'legacy'}{protocol}"
                files[file] = out.getvalue()
                told["files"][file] = {"names": names, "learned": name == "only learned",
                                       "heads": 2 if whole or type(root) is dict else 8}
    told["plain"], told["ema"] = ({k: [float(str(x)) for x in v.flatten().numpy()] for k, v in s.items()} for s in (sd, ema))

    # One weight of a kind that is not computed with: refused by name where it is one, passed over where it stands beside.
    told["odd"] = {}
    weight = sd["input_proj.weight"].detach()
    for kind, odd in {
        "quantized": torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8), "sparse": weight.to_sparse(), "meta": weight.to("meta"),
        "float8_e4m3fn": weight.to(torch.float8_e4m3fn), "complex64": weight.to(torch.complex64), "numpy.ndarray": weight.numpy(),
        "torch.nested._internal.nested_tensor.NestedTensor": torch.nested.nested_tensor([weight[0], weight[1]], layout=torch.jagged),
        "builtins.complex": 1 + 2j, "nested": torch.nested.nested_tensor([weight[0], weight[1]]),
    }.items():
        for key in "input_proj.weight", "query_embed.weight", "transformer.scale", "transformer.scale.weight":
            out, file = io.BytesIO(), f"odd/{kind}/{key}"
            torch.save({"model": {**sd, key: odd}, "args": argparse.Namespace(nheads=2)}, out)
            files[file], told["odd"][file] = out.getvalue(), f"tensor model.{key}: it is {kind}" if key in sd else ""
    safe = {k: v.contiguous() for k, v in sd.items()}
    for key in "input_proj.weight", "transformer.scale":
        files[f"odd/safetensors/{key}"] = safetensors.torch.save({**safe, key: weight.to(torch.float8_e5m2)})
        told["odd"][f"odd/safetensors/{key}"] = f"tensor {key}: it is float8_e5m2" if key in sd else ""

    # What the model answers with weights of other types, which PyTorch loads into float32.
    deep, _ = tiny(3, 8)
    pixels = torch.tensor([i * i >> 8 & 255 for i in range(96 * 150 * 3)], dtype=torch.uint8).reshape(96, 150, 3)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    image = ((pixels.float() / 255 - mean) / std).permute(2, 0, 1)
    told["types"] = {}
    for kind in torch.float16, torch.bfloat16, torch.float64:
        name = str(kind).removeprefix("torch.")
        state = {k: v.to(kind) for k, v in deep.state_dict().items()}
        if kind == torch.float64:  # numbers that float32 has not
            state = {k: v + torch.randn_like(v) * 1e-9 * v for k, v in state.items()}
        out = io.BytesIO()
        torch.save({"model": state, "args": argparse.Namespace(nheads=2)}, out)
        files[f"types/{name}"] = out.getvalue()
        copied = copy.deepcopy(deep)
        copied.load_state_dict(state)
        answers = {"logits": copied(*ref.batch([image]))[0][0].tolist()}
        copied.double()  # of what was loaded, which is float32
        answers["double"] = copied(*(x.double() if x.is_floating_point() else x for x in ref.batch([image])))[0][0].tolist()
        told["types"][name] = answers
        print(name, answers)
    files["places.json"] = json.dumps(told, separators=(",", ":")).encode()
    with tarfile.open(here / "places.tar.xz", "w:xz", preset=9, format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    print(len(files), "files")


if __name__ == "__main__":
    main()
