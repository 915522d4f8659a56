"""Makes odd.tar.xz: what people save beside their weights, one kind a file, by every pickle protocol in both formats of
torch.save, and odd.json in it: what PyTorch reads from each. Every file was read back by torch.load before it was kept, but those that it cannot
read though torch.save wrote them: protocol 0, and bare bytes in the older format.
Run in this folder with PyTorch, NumPy and safetensors."""
import argparse, collections, dataclasses, datetime, decimal, enum, fractions, functools, io, json, operator, pathlib
import random, re, tarfile, types, uuid, warnings, zipfile
import numpy as np
import safetensors.torch
import torch
from torch import nn

warnings.filterwarnings("ignore")
torch.manual_seed(0)
random.seed(0)


class Colour(enum.Enum):
    RED = 1


class Flags(enum.Flag):
    A = 1
    B = 2


class Level(enum.IntEnum):
    HIGH = 3


class Registry(collections.OrderedDict):
    pass


class Names(list):
    pass


class Text(str):
    pass


class Point(collections.namedtuple("Point", "x y")):
    pass


@dataclasses.dataclass
class Options:
    rate: float = 0.5
    names: list = dataclasses.field(default_factory=lambda: ["a"])


@dataclasses.dataclass
class Slotted:
    __slots__ = ("rate", "shape")
    rate: float
    shape: tuple


class DictConfig:
    """As omegaconf's: a class that no reader knows, with parents that hold it."""

    def __init__(self):
        self.__dict__["_content"] = {"lr": 0.1, "nested": {"a": [1, 2]}}
        self.__dict__["_parent"] = None
        self.__dict__["_metadata"] = types.SimpleNamespace(ref_type=dict, key=None)
        self._content["self"] = self


class Held:
    """Of __main__, with a state that is no dict."""

    def __getstate__(self):
        return (1, "two")

    def __setstate__(self, state):
        self.state = state


class Arguments:
    def __new__(cls, *args, **kwargs):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return (1,), {"key": 2}


class Made:
    """As a lambda's stand-in: made by a function of other arguments, with items appended and set."""

    def __reduce__(self):
        return operator.attrgetter, ("a",)


class Appended:
    def __init__(self):
        self.items, self.named = [], {}

    def append(self, item):
        self.items.append(item)

    def extend(self, items):
        self.items.extend(items)

    def __setitem__(self, key, value):
        self.named[key] = value

    def __reduce__(self):
        return Appended, (), {"state": 1}, iter([1, 2]), iter({"k": 3}.items())


class Tagged(torch.Tensor):
    pass


def function(x):
    return x


ring = {"a": 1}
ring["ring"] = ring
loop = [1]
loop.append(loop)
rng = np.random.default_rng(3)

# By name: the object, and the class that it is to be listed under: its own where none is said.
OBJECTS = {
    "ndarray": np.arange(6, dtype=np.float32).reshape(2, 3), "ndarray of strings": np.array(["a", "bc"]),
    "ndarray of objects": np.array([{"a": 1}, None], dtype=object), "record array": np.zeros(2, [("a", "f4"), ("b", "i8")]),
    "masked array": (np.ma.array([1, 2], mask=[0, 1]), "numpy.ma.core._mareconstruct"), 
    "datetime64": (np.datetime64("2024-01-02"), "numpy.core.multiarray.scalar"),
    "complex64 scalar": (np.complex64(1 + 2j), "numpy.core.multiarray.scalar"),
    "str scalar": (np.str_("a"), "numpy.core.multiarray.scalar"), "float16 scalar": np.float16(0.5),
    "dtype": (np.dtype("f4"), "numpy.dtype"), "Generator": (rng, "numpy.random._pickle.__generator_ctor"),
    "NumPy RandomState": (np.random.RandomState(1), "numpy.random._pickle.__randomstate_ctor"),
    "random state": random.getstate(), "numpy state": np.random.get_state(),
    "Path": pathlib.PurePosixPath("/data/birds"), "WindowsPath": pathlib.PureWindowsPath("C:/birds"),
    "SimpleNamespace": types.SimpleNamespace(a=1, b=[2]), "Namespace": argparse.Namespace(lr=0.5),
    "deque": collections.deque([1, 2], maxlen=3), "datetime": datetime.datetime(2024, 1, 2, 3, 4),
    "date": datetime.date(2024, 1, 2), "timedelta": datetime.timedelta(days=2),
    "timezone": datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc), "range": range(1, 9, 2), "slice": slice(1, 9, 2),
    "set": {3}, "frozenset": frozenset([4]), "set of tuples": {(1, "a")}, "OrderedDict": collections.OrderedDict(a=1),
    "OrderedDict of a class": Registry(a=1), "list of a class": Names([1, 2]), "str of a class": Text("t"),
    "defaultdict": collections.defaultdict(list, a=[1]), "defaultdict of a function": collections.defaultdict(function, a=1),
    "Counter": collections.Counter("aab"), "ChainMap": collections.ChainMap({"a": 1}), "namedtuple": Point(1, 2),
    "Enum": Colour.RED, "Flag": Flags.A | Flags.B, "IntEnum": Level.HIGH, "dataclass": Options(), "slots": Slotted(0.5, (1, 2)),
    "partial": functools.partial(function, 1, x=2), "UUID": uuid.UUID(int=7), "Decimal": decimal.Decimal("1.5"),
    "Fraction": fractions.Fraction(1, 3), "complex": 1 + 2j, "bytes": b"\x00\xffa", "bytearray": bytearray(b"\x01\xfe"),
    "pattern": (re.compile("a+"), "re._compile"), "omegaconf": DictConfig(), "state": Held(), "keywords": (Arguments(), None),
    "made": (Made(), "operator.attrgetter"), "appended": Appended(), "function": (function, "__main__.function"),
    "class": (Options, "__main__.Options"), "builtin": (len, "builtins.len"), "NotImplemented": (NotImplemented, None),
    "Ellipsis": (..., None), "exception": ValueError("bad"), "dict that holds itself": (ring, None),
    "list that holds itself": (loop, None), "generator state": torch.get_rng_state(),
    "Size": torch.Size([2, 3]), "device": torch.device("cuda:1"), "dtype of torch": torch.float8_e5m2,
    "memory format": (torch.channels_last, None), "layout": (torch.strided, None), "qscheme": (torch.per_tensor_affine, None),
    "module": (nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1)), "torch.nn.modules.container.Sequential"),
    "loss": (nn.CrossEntropyLoss(torch.ones(2)), "torch.nn.modules.loss.CrossEntropyLoss"),
    "optimizer": (torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.1), "torch.optim.sgd.SGD"),
    "scaler": torch.amp.GradScaler("cpu").state_dict(), "storage": (torch.ones(3).untyped_storage(), None),
    "typed storage": (torch.ones(3).storage(), "torch.storage.TypedStorage"),
    "uninitialized": (nn.UninitializedParameter(), "torch.nn.parameter.UninitializedParameter"), "None": None, "wide": 2**70, "infinite": float("inf"),
    "surrogate": "a\ud800", "text": "line\nÖ ✓ \\ ' \"", "empty": [{}, [], (), "", b""], "long tuple": tuple(range(20)),
    "keys": {1: "a", 1.5: "b", (1, "x"): "c", None: "d", True: "e", Colour.RED: "f", b"k": "h"},
    "key of a frozenset": ({frozenset([1]): "a"}, None),
}

grid = torch.arange(24, dtype=torch.float32).reshape(4, 6)
sparse = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
tied = torch.tensor([1.5, 2.5])
TENSORS = {str(t).removeprefix("torch."): torch.tensor([0.0, 1.0, 2.0, 1.0]).to(t).reshape(2, 2) for t in [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint64,
    torch.uint32, torch.uint16, torch.uint8, torch.bool, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz,
    torch.float8_e5m2fnuz, torch.float8_e8m0fnu, torch.complex32, torch.complex64, torch.complex128]} | {
    "float4": torch.tensor([1, 2], dtype=torch.uint8).view(torch.float4_e2m1fn_x2), "bits8": torch.tensor([1, 2], dtype=torch.uint8).view(torch.bits8),
    "sparse COO": sparse.to_sparse(), "sparse CSR": sparse.to_sparse_csr(), "sparse CSC": sparse.to_sparse_csc(),
    "sparse BSR": sparse.to_sparse_bsr((1, 1)), "quantized": torch.quantize_per_tensor(sparse, 0.1, 10, torch.quint8),
    "quantized per channel": torch.quantize_per_channel(sparse, torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8),
    "meta": torch.empty(2, 3, device="meta"), "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "jagged": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged),
    "number": torch.tensor(3.25), "empty": torch.zeros(0, 4), "Tensor of a class": torch.arange(3.0).as_subclass(Tagged),
    "Parameter": nn.Parameter(torch.tensor([1.0, 2.0])), "Buffer": nn.Buffer(torch.tensor([1.0, 2.0])),
    "transposed": grid.t(), "column": grid[:, 2], "corner": grid[1:3, 2:5],
    "stepped": grid[::2, ::3], "expanded": torch.tensor([[1.5], [2.5]]).expand(2, 4), "diagonal": grid.diagonal(),
    "channels last": grid.reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last), "shared": {"a": tied, "b": tied[1:]},
    "conjugate": torch.tensor([1 + 2j]).conj(), "negative": torch.tensor([1 + 2j]).conj().imag, "attribute": torch.ones(2),
    "hooked": torch.ones(2, requires_grad=True), "gradient": nn.Parameter(torch.ones(2)), "view of bytes": grid.view(torch.uint8)[0],
    "view of integers": grid.view(torch.int32)[1], "list": [torch.ones(1), torch.zeros(2)],
}
TENSORS["attribute"].note = "mine"
TENSORS["gradient"].grad = torch.zeros(2)

READ = {torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint64,
        torch.uint32, torch.uint16, torch.uint8, torch.bool}  # computed with
model = collections.OrderedDict(weight=grid / 7, bias=torch.tensor([0.5, -1.5], dtype=torch.float16))


def words(v, within=()):
    """The value with its Python type beside it where JSON has none; what is not loaded, by its class."""
    if isinstance(v, torch.Tensor):
        if v.is_nested:
            return {"tensor": "nested" if v.layout == torch.strided else f"{type(v).__module__}.{type(v).__qualname__}"}
        shape = list(v.shape)
        kind = ("sparse" if v.layout != torch.strided else "quantized" if v.is_quantized else "meta" if v.is_meta else
                "conjugate or negative view" if v.is_conj() or v.is_neg() else str(v.dtype).removeprefix("torch."))
        if kind in ("sparse", "quantized", "meta", "conjugate or negative view") or v.dtype not in READ:
            return {"tensor": kind, "shape": shape}
        wide = v.detach().as_subclass(torch.Tensor)
        return {"tensor": kind, "shape": shape, "values": [float(x) for x in wide.double().reshape(-1)]}
    if isinstance(v, np.generic) and v.dtype.kind in "biuf":
        v = v.item()
    if v is None or isinstance(v, bool):
        return v
    if type(v) is int:
        return {"int": str(v)}
    if type(v) is float:
        return {"float": v if np.isfinite(v) else str(v)}
    if type(v) is str:
        return {"text": list(v.encode("utf-8", "surrogatepass"))}
    if isinstance(v, (bytes, bytearray)):
        return {"bytes": list(v)}
    if isinstance(v, torch.device):
        return {"device": str(v)}
    if isinstance(v, torch.dtype):
        return {"dtype": str(v).removeprefix("torch.")}
    if type(v) in (dict, collections.OrderedDict, collections.defaultdict, collections.Counter):
        return {"dict": [[words(k), words(x)] for k, x in v.items()], "ordered": type(v) is collections.OrderedDict}
    kind = {list: "list", tuple: "tuple", torch.Size: "tuple", set: "set", frozenset: "set"}.get(type(v))
    if kind:
        return {kind: [words(x) for x in v]}
    c = type(v)
    return {"class": f"{c.__module__}.{c.__qualname__}"}


# What stands for the odd value in odd.json, where words of the value itself do not: see the comments of each.
def expected(name, odd):
    if type(odd) is tuple and len(odd) == 2 and name in OBJECTS:
        return odd[0], {"class": odd[1]} if odd[1] else {}
    return odd, words(odd)


def save(root, protocol, legacy):
    out = io.BytesIO()
    torch.save(root, out, pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)
    return out.getvalue()


def repacked(content, method, change=lambda name, data: data):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", method) as new:
        for info in old.infolist():
            new.writestr(info.filename, change(info.filename, old.read(info)))
    return out.getvalue()


def big(root, protocol):
    """As a big-endian machine saves it."""
    content, sizes = save(root, protocol, False), {}

    class Reader(torch.serialization.pickle.Unpickler):
        def persistent_load(self, id):
            if id[1] is torch.UntypedStorage:  # turned round by nobody: PyTorch reads other numbers there than were saved
                raise ValueError("bytes without a type")
            sizes[id[2]] = getattr(id[1], "dtype", torch.uint8).itemsize
            if "Complex" in id[1].__name__:
                sizes[id[2]] //= 2
            return torch.storage.TypedStorage(wrap_storage=torch.UntypedStorage(id[4] * 16), dtype=getattr(id[1], "dtype", torch.uint8),
                                              _internal=True)

    with zipfile.ZipFile(io.BytesIO(content)) as z:
        Reader(z.open(next(n for n in z.namelist() if n.endswith("/data.pkl")))).load()

    def change(name, data):
        key = name.rsplit("/", 1)[1]
        if name.endswith("/byteorder"):
            return b"big"
        if "/data/" in name and sizes.get(key, 1) > 1:
            return np.frombuffer(data, f"V{sizes[key]}").view("u1").reshape(-1, sizes[key])[:, ::-1].tobytes()
        return data
    return repacked(content, zipfile.ZIP_STORED, change)


def main():
    files, told, refused = {}, {}, []
    for group, kinds in ("object", OBJECTS), ("tensor", TENSORS):
        for name, odd in kinds.items():
            odd, want = expected(name, odd)
            root = {"before": torch.tensor([7.5]), "odd": odd, "model": model, "again": [odd, {"k": odd}], "after": torch.tensor([8.5])}
            for legacy, protocols in (False, range(6)), (True, (0, 2)):
                for protocol in protocols:
                    if name.lower().endswith("state") and protocol != 2:  # large
                        continue
                    ways = {"": lambda: save(root, protocol, legacy)}
                    if group == "tensor" and not legacy and protocol == 2:
                        ways |= {" deflated": lambda: repacked(save(root, 2, False), zipfile.ZIP_DEFLATED), " big": lambda: big(root, 2)}
                    for way, make in ways.items():
                        file = f"{group}/{name}/{'legacy' if legacy else 'zip'}{protocol}{way}"
                        try:
                            content = make()
                            if protocol == 0 or legacy and b"UntypedStorage" in content:
                                files[file] = content
                                continue
                            back = torch.load(io.BytesIO(content), weights_only=False)
                            assert all(torch.equal(back["model"][k], v) for k, v in model.items()), file
                            if group == "tensor" and words(back["odd"]) != want:
                                raise ValueError("not what it was")
                        except Exception as error:  # not what torch.save can write, or torch.load read
                            refused.append(f"{file}: {type(error).__name__} {str(error)[:80]}")
                            continue
                        files[file] = content
            told[f"{group}/{name}"] = want
    safe = {str(t.dtype).removeprefix("torch."): t for n, t in TENSORS.items() if isinstance(t, torch.Tensor) and n == str(t.dtype)[6:]}
    for name, t in safe.items():
        file = f"safetensors/{name}/safetensors"
        try:
            files[file] = safetensors.torch.save({"weight": model["weight"], "odd": t.contiguous()})
            back = safetensors.torch.load(files[file])
            assert back["odd"].dtype == t.dtype and torch.equal(back["weight"], model["weight"])
            told[f"safetensors/{name}"] = words(t)
        except Exception as error:
            files.pop(file, None)
            refused.append(f"{file}: {type(error).__name__} {str(error)[:80]}")
    files["odd.json"] = json.dumps({"model": words(model), "odd": told}, separators=(",", ":")).encode()
    with tarfile.open("odd.tar.xz", "w:xz", preset=9, format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    print(*refused, sep="\n")
    print(len(files), "files,", sum(map(len, files.values())), "bytes")


if __name__ == "__main__":
    main()
