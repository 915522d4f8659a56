"""How far PyTorch's own float32 is from its float64 (rounding.py) in everything that the tests compare with PyTorch.

    GOINTR_ORACLE/python float32.py [GOLDEN]

Writes float32.json into pkg/intr/testdata and pkg/finetune/train/testdata: model or training, then answer, then the greatest
distance. GOLDEN is the folder ../shared/golden beside the checkout, where the checkpoints are gzipped; without it the small
models alone are measured anew, and the rest stays.
"""
import copy
import gzip
import importlib.util
import io
import json
import pathlib
import sys

import numpy as np
import torch

import attribution
import intr_torch as ref
import rounding

here = pathlib.Path(__file__).parent
packages = here.parents[1] / "pkg"
spec = importlib.util.spec_from_file_location("generate", packages / "finetune" / "train" / "testdata" / "generate.py")
small_training = importlib.util.module_from_spec(spec)
spec.loader.exec_module(small_training)


def distances(answers, model, given=None, orders=rounding.ORDERS):
    """Of every answer of answers(model). given are answers in float32 that are there already."""
    exact = answers(rounding.float64(model))
    others = [answers(m) for m in rounding.float32s(model, orders)] + ([given] if given else [])
    return {name: rounding.apart(exact[name], [other[name] for other in others]) for name in exact}


# The model's answers.

@torch.no_grad()
def stages(model, images):
    """What the parts of the model pass on, in order."""
    kept, body = {}, model.backbone[0].body
    parts = [("stem", body.relu)] + [(name, getattr(body, name)) for name in body.stages] + [("projected", model.input_proj)]
    hooks = [part.register_forward_hook(lambda _, __, out, name=name: kept.setdefault(name, out)) for name, part in parts]
    logits, attention, memory, hs = model(*ref.batch(images))
    for hook in hooks:
        hook.remove()
    return {**kept, "memory": memory, "attention": attention, "states": hs, "logits": logits}


def small(name):
    model, saved = attribution.load(packages / "intr" / "testdata" / f"{name}.pth", width=4, **attribution.SMALL[name]), {}
    with np.load(packages / "intr" / "testdata" / f"{name}.npz") as arrays:
        images = [attribution.normalise(arrays[f"pixels{i}"]) for i in (0, 1)]
    for prefix, some in ("batch", images), ("alone0", images[:1]), ("alone1", images[1:]):
        saved |= {f"{prefix}_{k}": d for k, d in distances(lambda m: stages(m, some), model).items()}

    def maps(m):
        out = {}
        for i, image in enumerate(images):
            for label in (0, m.c.num_queries - 1):
                cam, rolled, _ = attribution.attributions(m, image, label)
                out |= {f"{i}_{label}_cam": cam / np.abs(cam).max(), f"{i}_{label}_rollout": rolled / np.abs(rolled).max()}
        return out

    return saved | distances(maps, model)


def unpacked(path):
    with gzip.open(path) as f:
        return torch.load(io.BytesIO(f.read()), weights_only=False)


def golden_model(golden, name):
    saved = unpacked(golden / f"{name}.pth.gz")
    model = ref.INTR(saved["args"])
    model.load_state_dict(saved["model"])
    return model.eval()


@torch.no_grad()
def variant(golden, name):
    with np.load(golden / f"{name}.npz") as arrays:
        arrays = dict(arrays)
    images = [torch.from_numpy(arrays.pop(f"image{i}")) for i in (0, 1)]

    def answers(m):
        logits, attention, memory, hs = m(*ref.batch(images))
        return dict(memory=memory, attention_mean_by_layer=attention.mean(2)[:, :, :8], attention_last=attention[-1],
                    hs_last=hs[-1], logits=logits)

    return distances(answers, golden_model(golden, name), arrays)


@torch.no_grad()
def photograph(golden):
    image = ref.preprocess(golden.parent / "images" / "Painted_Bunting_0004_16641.jpg")
    with np.load(golden / "intr_r50_200.npz") as arrays:
        arrays = dict(arrays)

    def answers(m):
        logits, attention, memory, _ = m(*ref.batch([image]))
        return dict(memory_mean=memory.mean((2, 3)), logits=logits,
                    predicted_attention=attention[-1][0, :, int(arrays["predicted"])])

    return distances(answers, golden_model(golden, "intr_r50_200"), arrays)


# Trainings.

def noise(key):
    """Whether the gradient of a weight is rounding alone: the tests tell of those by themselves."""
    return key in ("presence_vector.bias", "transformer.decoder.norm.bias") or key.endswith("in_proj_bias")


def training(train, model, least=1e-9, orders=rounding.ORDERS):
    """Of train(model), which gives losses, gradient norms and the weights after it: the distance of any loss, of any norm
    of gradients as a part of it, and of the norm of any weight as a part of it, or of `least` where that is more."""
    losses, norms, final = train(rounding.float64(model))
    kept = [key for key in final if not noise(key)]
    largest = torch.tensor([max(norm_of(final[key]), least) for key in kept])
    others = [train(m) for m in rounding.float32s(model, orders)]
    ends = torch.tensor([norm_of(final[key]) for key in kept]) / largest
    return dict(loss=rounding.apart(losses, [o[0] for o in others]),
                norm=rounding.apart(np.ones(len(norms)), [np.divide(o[1], norms) for o in others]),
                final=rounding.apart(ends, [torch.tensor([norm_of(o[2][key]) for key in kept]) / largest for o in others]))


def norm_of(values):
    return values.double().norm().item()


def small_run(name):
    start, frozen, schedule, batches, smoothing, clip, batchnorm = small_training.RUNS[name]
    images = small_training.images_of(list(small_training.pictures()))

    def train(m):
        steps = small_training.train(m, frozen, schedule, batches, smoothing, clip, images)
        return ([loss for step in steps for loss in step["losses"]], [step["norm"] for step in steps], weights(m))

    return training(train, small_training.model_of(start, batchnorm), least=1)


def weights(m):
    return {k: v for k, v in m.state_dict().items() if "running" not in k and "num_batches" not in k}


def golden_training(golden):
    """The twelve steps of ../shared/reference/make_golden.py from a DETR."""
    told = json.loads((golden / "training.json").read_text())
    with np.load(golden / "training.npz") as arrays:
        arrays = {k: torch.from_numpy(v) for k, v in arrays.items()}
    state = {k: v for k, v in unpacked(golden / "detr_like_r18.pth.gz")["model"].items() if "_embed." not in k or "query" in k}
    state["query_embed.weight"] = state["query_embed.weight"][:6]
    state["presence_vector.weight"], state["presence_vector.bias"] = arrays["presence_weight"], torch.zeros(1)
    m = ref.INTR(ref.config(backbone="resnet18", hidden_dim=64, nheads=4, enc_layers=2, dec_layers=2, dim_feedforward=128,
                            num_queries=6, dropout=0.0))
    m.load_state_dict(state)

    def train(m):
        m.train()
        for n, p in m.named_parameters():
            p.requires_grad_("backbone.0.body.conv1" not in n and ".layer1." not in n)
        opt = ref.optimizer(m, lr=1e-4, lr_backbone=1e-5)
        schedule = torch.optim.lr_scheduler.StepLR(opt, 8)
        trained, losses, norms = [p for p in m.parameters() if p.requires_grad], [], []
        for step in told["steps"]:
            losses.append(loss_of(m, [arrays[f"image{i}"] for i in step["batch"]], [told["labels"][i] for i in step["batch"]]))
            opt.zero_grad()
            losses[-1].backward()
            norms.append(torch.nn.utils.clip_grad_norm_(trained, 0.1).item())
            opt.step()
            schedule.step()
        return [x.item() for x in losses], norms, weights(m)

    return training(train, m)


def golden_resume(golden):
    """The three epochs that are left of the run that make_golden.py interrupts: with the channels in their own order, which
    the optimizer's state has."""
    saved = unpacked(golden / "interrupted.pth.gz")
    with np.load(golden / "interrupted.npz") as arrays:
        images = [torch.from_numpy(arrays[f"image{i}"]) for i in range(6)]
    m = ref.INTR(saved["args"])
    m.load_state_dict(saved["model"])

    def train(m):
        m.train()
        m.backbone.requires_grad_(False)
        opt = torch.optim.AdamW([{"params": [p for n, p in m.named_parameters() if "backbone" not in n]},
                                 {"params": [], "lr": 0.0}], lr=2e-4, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=10, eta_min=1e-6)
        opt.load_state_dict(copy.deepcopy(saved["optimizer"]))
        schedule.load_state_dict(saved["lr_scheduler"])
        losses, norms = [], []
        for _ in range(3):
            loss = loss_of(m, images, range(6))
            opt.zero_grad()
            loss.backward()
            norms.append(torch.nn.utils.clip_grad_norm_([p for p in m.parameters() if p.requires_grad], 0.1).item())
            losses.append(loss.item())
            opt.step()
            schedule.step()
        return losses, norms, weights(m)

    return training(train, m, orders=1)


def loss_of(m, images, labels):
    return torch.nn.functional.cross_entropy(m(*ref.batch(images))[0], torch.tensor(list(labels)))


def write(package, measured):
    path = packages / package / "testdata" / "float32.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    for name, measure in measured.items():
        kept[name] = {answer: float(f"{far:.3g}") for answer, far in measure().items()}
        print(package, name, kept[name], flush=True)
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def main():
    models = {name: lambda name=name: small(name) for name in attribution.SMALL}
    runs = {name: lambda name=name: small_run(name) for name in small_training.RUNS}
    if len(sys.argv) > 1:
        golden = pathlib.Path(sys.argv[1])
        runs |= {"golden": lambda: golden_training(golden), "interrupted": lambda: golden_resume(golden)}
        models |= {name: lambda name=name: variant(golden, name) for name in ("r18_prenorm", "r18_learned", "r50_dc5")}
        models["intr_r50_200"] = lambda: photograph(golden)
    write("intr", models)
    write("finetune/train", runs)


if __name__ == "__main__":
    main()
