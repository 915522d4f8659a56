"""GoINTR beside PyTorch, ONNX Runtime and OpenVINO, in turn, in one run: ratios below 1 mean that GoINTR is faster.

    python bench.py --gointr bin/gointr --checkpoint X.pth --image X.jpg [--runs 5] [--rounds 5]

Every peer lives in a process of its own and computes when it is its turn; those that are not installed are left out. A time
is by the clock (wall) and of the processor (cpu, user and system); a ratio is the median of the rounds' ratios of medians.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

here = pathlib.Path(__file__).resolve().parent
median = statistics.median
PEERS = {"pytorch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
SIZES = ((480, 640), (800, 1066), (800, 1333), (1066, 800))  # height, width


# A peer: asked over standard input for one JSON object a line.

def model_of(checkpoint):
    import torch
    import intr_torch as ref
    saved = torch.load(checkpoint, weights_only=False)
    model = ref.INTR(saved["args"])
    model.load_state_dict(saved["model"])
    return model.eval()


def exported(a):
    """The model as an ONNX file, written once: None where the exporter cannot."""
    import torch
    import intr_torch as ref
    path = os.path.join(a.folder, "model.onnx")
    if not os.path.exists(path):
        torch.onnx.export(model_of(a.checkpoint), ref.batch([ref.preprocess(a.image)]), path, dynamo=False, input_names=["images", "pad"])
    return path


def forward_of(a):
    """(what computes the logits of inputs, the inputs) of a peer."""
    import torch
    import intr_torch as ref
    torch.set_num_threads(a.threads or torch.get_num_threads())
    inputs = ref.batch([ref.preprocess(a.image)])
    if a.peer == "pytorch":
        model = model_of(a.checkpoint)
        return torch.no_grad()(lambda x: model(*x)[0].numpy()), inputs
    numbers = {"images": inputs[0].numpy(), "pad": inputs[1].numpy()}
    if a.peer == "onnxruntime":
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = a.threads
        session = onnxruntime.InferenceSession(exported(a), options)
        names = {i.name for i in session.get_inputs()}
        return (lambda x: session.run(None, x)[0]), {k: v for k, v in numbers.items() if k in names}
    import openvino
    # Without the hint it computes in bfloat16 where the processor has it.
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"} | ({"INFERENCE_NUM_THREADS": a.threads} if a.threads else {})
    compiled = openvino.Core().compile_model(exported(a), "CPU", settings)
    names = {n for i in compiled.inputs for n in i.get_names()}
    return (lambda x: compiled(x)[0]), {k: v for k, v in numbers.items() if k in names}


def timed(f):
    used = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])  # noqa: E731
    before, start = used(), time.perf_counter()
    result = f()
    return time.perf_counter() - start, used() - before, result


def serve(a):
    import torch
    import intr_torch as ref
    forward, inputs = forward_of(a)
    logits = forward(inputs)
    print(json.dumps([float(v) for v in logits.reshape(-1)]), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "sizes" in asked:
            made = [ref.batch([torch.randn(3, h, w)]) for h, w in asked["sizes"]]
            answer = {"wall": [timed(lambda: forward(x))[0] for x in made]}
        elif "body" in asked:
            answer = {"wall": [], "rest": []}
            model, clock = model_of(a.checkpoint), []
            body = model.backbone[0].body
            body.register_forward_pre_hook(lambda *_: clock.append(time.perf_counter()))
            body.register_forward_hook(lambda *_: clock.append(time.perf_counter()))
            for _ in range(asked["body"] + 1):  # the first one is not counted
                clock.clear()
                with torch.no_grad():
                    whole = timed(lambda: model(*inputs))[0]
                answer["wall"].append(clock[1] - clock[0])
                answer["rest"].append(whole - answer["wall"][-1])
            answer = {name: times[1:] for name, times in answer.items()}
        elif "files" in asked:  # as a loop over a dataset does it
            answer = dict(zip(("wall", "cpu"), timed(lambda: [forward(ref.batch([ref.preprocess(f)])) for f in asked["files"]])[:2]))
        elif "read" in asked:
            answer = {"wall": [timed(lambda: ref.preprocess(a.image))[0] for _ in range(asked["read"])]}
        else:
            times = [timed(lambda: forward(inputs))[:2] for _ in range(asked["forward"])]
            answer = {"wall": [t[0] for t in times], "cpu": [t[1] for t in times]}
        print(json.dumps(answer), flush=True)


class Peer:
    def __init__(self, name, a, folder, threads=0):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, "--peer", name, "--threads", str(threads), "--folder", folder, "--checkpoint", a.checkpoint, "--image", a.image],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = self.process.stdout.readline()
        self.logits = json.loads(said) if said else None  # None: it cannot be used here

    def ask(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# What is measured.

def gointr(a, *pictures, backend="auto", threads=0, runs=None, checkpoint=None):
    env = dict(os.environ, **({"GOMAXPROCS": str(threads)} if threads else {}))
    out = subprocess.run([a.gointr, "bench", *pictures, "--checkpoint", checkpoint or a.checkpoint, "--runs", str(runs or a.runs), "--json", "--backend", backend],
                         check=True, capture_output=True, text=True, env=env).stdout
    return json.loads(out)


def told(table, what, ours, peer, theirs, of=1):
    """One line of the table. ours and theirs are (wall, cpu) of every round; cpu may be missing."""
    def column(k):
        if any(len(t) <= k for t in ours + theirs):
            return "", ""
        mine, other = median(t[k] for t in ours), median(t[k] for t in theirs)
        return f"{mine / of:.3g} : {other / of:.3g}", f"{median(m[k] / o[k] for m, o in zip(ours, theirs)):.2f}"
    row = (what, peer, *column(0), *column(1))
    table.append(row)
    print("{:<44}{:<14}{:>18} s  ratio {:<6}{:>18} cpu s  ratio {}".format(*row), flush=True)


def medians(answer):
    return [median(answer["wall"]), median(answer["cpu"])]


def forwards(a, folder, table, threads):
    """The forward pass, with all threads (0) or some."""
    peers = {name: Peer(name, a, folder, threads) for name in PEERS}
    for name, peer in list(peers.items()):
        if peer.logits is None:
            print(f"{PEERS[name]} is left out: it is not installed, or cannot read the model")
            del peers[name]
        elif not threads and name != "pytorch":
            off = max(abs(x - y) for x, y in zip(peer.logits, peers["pytorch"].logits))
            print(f"{PEERS[name]}'s logits are within {off:.1g} of PyTorch's")
    rounds = []
    for _ in range(a.rounds):
        g = gointr(a, a.image, threads=threads)
        rounds.append({"gointr": [g["median"], median(g["cpu"])], "parts": g["parts"], "load": g["load"], "read": g["read"]} |
                      {name: medians(peer.ask(forward=a.runs)) for name, peer in peers.items()})
        if not threads:
            parts = peers["pytorch"].ask(body=a.runs)
            rounds[-1]["body"], rounds[-1]["rest"] = median(parts["wall"]), median(parts["rest"])
            rounds[-1]["reading"] = median(peers["pytorch"].ask(read=a.runs)["wall"])
            try:
                x = gointr(a, a.image, backend="xla")
                rounds[-1]["xla"] = [x["median"], median(x["cpu"])]
            except subprocess.CalledProcessError:
                pass
    what = f"forward, {threads or 'all'} thread{'' if threads == 1 else 's'}"
    for name in peers:
        told(table, what, [r["gointr"] for r in rounds], PEERS[name], [r[name] for r in rounds])
    if all("xla" in r for r in rounds) and not threads:
        told(table, what, [r["gointr"] for r in rounds], "our XLA", [r["xla"] for r in rounds])
    if not threads:
        told(table, "backbone alone", [[r["parts"][0]] for r in rounds], "PyTorch", [[r["body"]] for r in rounds])
        told(table, "transformer alone", [[r["parts"][1]] for r in rounds], "PyTorch", [[r["rest"]] for r in rounds])
        told(table, "reading a photograph", [[r["read"]] for r in rounds], "PyTorch", [[r["reading"]] for r in rounds])
        sizes(a, folder, table, peers["pytorch"])
        folder_of_pictures(a, folder, table, peers["pytorch"])
    for peer in peers.values():
        peer.close()


def resized(a, folder, sizes):
    from PIL import Image
    image, paths = Image.open(a.image).convert("RGB"), []
    for h, w in sizes:
        paths.append(os.path.join(folder, f"{h}x{w}.png"))
        image.resize((w, h)).save(paths[-1])
    return paths


def sizes(a, folder, table, pytorch):
    """Sizes in a row, which no process has seen before: the first pass of each."""
    mine, theirs = [], []
    paths = resized(a, folder, [(h * 800 // min(h, w), w * 800 // min(h, w)) for h, w in SIZES])
    for _ in range(a.rounds):
        g = gointr(a, a.image, *paths, runs=1)
        mine.append(g["others"])
        theirs.append(pytorch.ask(sizes=[(int(h * 800 / min(h, w)), int(w * 800 / min(h, w))) for h, w in SIZES])["wall"])
    for i, (h, w) in enumerate(SIZES):
        told(table, f"first pass at the shape of {h}×{w}", [[m[i]] for m in mine], "PyTorch", [[t[i]] for t in theirs])


def folder_of_pictures(a, folder, table, pytorch, n=16):
    """Many pictures: reading, resizing, forward pass."""
    from PIL import Image
    image, paths, many = Image.open(a.image).convert("RGB"), [], os.path.join(folder, "many")
    os.makedirs(many)
    for i in range(n):
        paths.append(os.path.join(many, f"{i:02}.jpg"))
        image.crop((0, 0, image.width - i, image.height - i % 3)).save(paths[-1], quality=95)
    mine, theirs = [], []
    for _ in range(max(2, a.rounds // 2)):
        one = command([a.gointr, "predict", paths[0], "--checkpoint", a.checkpoint, "--json"], folder)
        all_ = command([a.gointr, "predict", many, "--checkpoint", a.checkpoint, "--json"], folder)
        mine.append([all_[0] - one[0], all_[1] - one[1]])  # without what a process takes to begin
        t = pytorch.ask(files=paths[1:])
        theirs.append([t["wall"], t["cpu"]])
    told(table, "a picture of many", mine, "PyTorch", theirs, of=n - 1)


def command(words, folder):
    """Wall and processor seconds, and the peak of memory in MB, of a new process without a session."""
    start = time.perf_counter()
    process = subprocess.Popen([str(w) for w in words], stdout=subprocess.DEVNULL, env=dict(os.environ, GOINTR_RUNTIME_DIR=folder))
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"bench: {words} failed")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def cold(a, folder, table):
    demo = [sys.executable, "-W", "ignore", here / "demo.py", a.checkpoint, a.image, os.path.join(folder, "demo.png")]
    ours = {"predict": [], "explain": []}
    theirs = []
    for _ in range(a.rounds):
        ours["predict"].append(command([a.gointr, "predict", a.image, "--checkpoint", a.checkpoint], folder))
        ours["explain"].append(command([a.gointr, "explain", a.image, "--checkpoint", a.checkpoint, "--out", os.path.join(folder, "x.png")], folder))
        theirs.append(command(demo, folder))
    for name, times in ours.items():
        told(table, f"a new process: {name}", [t[:2] for t in times], "the demo", [t[:2] for t in theirs])
        told(table, f"its peak of memory, GB: {name}", [[t[2] / 1024] for t in times], "the demo", [[t[2] / 1024] for t in theirs])


def main(a):
    table = []
    print(f"load average {os.getloadavg()[0]:.2f}")
    with tempfile.TemporaryDirectory(prefix="gointr-bench-") as folder:
        os.chmod(folder, 0o700)
        cold(a, folder, table)
        forwards(a, folder, table, 0)
        forwards(a, folder, table, 1)
        if a.sample:
            g = gointr(a, a.sample, checkpoint="sample", runs=21)
            print(f"the sample, one picture of 128 pixels: {1000 * g['median']:.1f} ms, the first one {1000 * g['first']:.1f} ms")
    print(f"load average {os.getloadavg()[0]:.2f}\n\n| what | beside | seconds | ratio | processor seconds | ratio |\n|---|---|---|---|---|---|")
    for row in table:
        print("| " + " | ".join(row) + " |")


cli = argparse.ArgumentParser()
cli.add_argument("--gointr", default="bin/gointr")
cli.add_argument("--checkpoint", required=True, type=os.path.abspath)
cli.add_argument("--image", required=True)
cli.add_argument("--sample", help="a picture for the sample")
cli.add_argument("--runs", type=int, default=5)
cli.add_argument("--rounds", type=int, default=5)
cli.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
cli.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
cli.add_argument("--folder", help=argparse.SUPPRESS)
parsed = cli.parse_args()
serve(parsed) if parsed.peer else main(parsed)
