"""Runs the notebooks; the Makefile calls it with .venv's Python.

    run.py demo   executes demo.ipynb into out/: demo.ipynb, demo.html, demo.png, demo.pdf
    run.py lab    opens demo.ipynb in JupyterLab
    run.py bench  times the same checkpoint and picture with gointr bench
    run.py step PYTHON    times a training step, in turn with PyTorch
    run.py learn PYTHON   trains on drawn birds here and in PyTorch, from the same starts: do both learn as well?
    run.py versus PYTHON  the same beside PyTorch, which that Python has
    run.py loader PYTHON  times the loader of pictures for training beside torchvision's, which that Python has
    run.py edited         times edited cells and the first Tab beside Python's kernel, and what an edited cell's time goes to
    run.py cells PYTHON   times cells: the first one ever beside the demo in PyTorch, and those on a warm session
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

here = pathlib.Path(__file__).resolve().parent
root = here.parent
gointr = root / "bin" / "gointr"


def golden():
    """The oracle's checkpoint, picture and class names in ../shared; None where they are not."""
    shared = root.parent / "shared"
    if not (shared / "unpack").exists():
        return None
    folder = subprocess.run([shared / "unpack"], check=True, capture_output=True, text=True).stdout.strip()
    return {
        "GOINTR_CHECKPOINT": os.path.join(folder, "intr_r50_200.pth"),
        "GOINTR_CLASSES": str(shared / "images" / "classes.txt"),
        "GOINTR_IMAGE": str(shared / "images" / "Painted_Bunting_0004_16641.jpg"),
        "GOINTR_NOTE": "Note: the weights of this checkpoint are random (it is the tests'), so the species will be, too.",
    }


def fixture():
    """A checkpoint of this repository, small and with random weights."""
    return {
        "GOINTR_CHECKPOINT": str(root / "pkg" / "intr" / "testdata" / "basic.pth"),
        "GOINTR_CLASSES": "",
        "GOINTR_IMAGE": str(here / "bunting.jpg"),
        "GOINTR_NOTE": "Note: the weights of this small checkpoint are random (it is the tests'), so the class will be, too.",
    }


def published():
    return {
        "GOINTR_CHECKPOINT": "cub",
        "GOINTR_CLASSES": str(here / "cub_classes.txt"),
        "GOINTR_IMAGE": str(here / "bunting.jpg"),
        "GOINTR_NOTE": "",
    }


def sample():
    """The small checkpoint that comes with GoINTR, and a bird that it has never seen."""
    return {
        "GOINTR_CHECKPOINT": "sample",
        "GOINTR_CLASSES": "",
        "GOINTR_IMAGE": str(here / "bird.png"),
        "GOINTR_NOTE": "Note: the sample knows eight drawn species. For real birds: GOINTR_CHECKPOINT=cub GOINTR_IMAGE=photo.jpg make demo",
    }


def given():
    """What the environment says, its files with whole paths: the notebook runs in another folder."""
    said = {k: v for k, v in os.environ.items() if k in ("GOINTR_CHECKPOINT", "GOINTR_CLASSES", "GOINTR_IMAGE") and v}
    return {k: os.path.abspath(v) if os.path.exists(v) else v for k, v in said.items()}


def chosen():
    """What the notebook is to look at: what the environment says, else the sample."""
    said = given()
    if "GOINTR_CHECKPOINT" not in said:
        return {**sample(), **said}
    names = published()["GOINTR_CLASSES"] if said["GOINTR_CHECKPOINT"] == "cub" else ""
    return {**published(), "GOINTR_CLASSES": names, **said}


def fullsize():
    """What is timed: what the environment says, else an INTR-R50, the oracle's or the published one."""
    said = given()
    return {**(golden() or published()), **said} if "GOINTR_CHECKPOINT" not in said else chosen()


def say(line):
    print(line, file=sys.stderr, flush=True)


def execute(notebook, folder, inputs, told=lambda *_: None):
    """Executes the file in a folder with inputs in the environment and returns the notebook with its outputs.
    It stops at the first cell that fails. told hears of every Go cell: number, of how many, seconds, cell."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    nb = nbformat.read(notebook, as_version=4)
    cells = [c for c in nb.cells if c.cell_type == "code"]
    begun = {}

    def start(cell, cell_index):
        begun[cell_index] = time.monotonic()

    def done(cell, cell_index, **_):
        if cell.cell_type == "code":
            told(cells.index(cell) + 1, len(cells), time.monotonic() - begun[cell_index], cell)

    os.environ.update(inputs)
    client = NotebookClient(nb, timeout=900, kernel_name="gointr", resources={"metadata": {"path": str(folder)}},
                            on_cell_start=start, on_cell_executed=done)
    try:
        client.execute()
    except CellExecutionError:
        pass  # its outputs say why
    return nb


def failure(nb):
    """What a cell said when it failed; None where none did."""
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                said = [o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"]
                return ("".join(said) or "\n".join(output.traceback)).strip()
    return None


def demo():
    import nbformat
    from nbconvert import HTMLExporter

    out = root / "out"
    out.mkdir(exist_ok=True)
    for name in ("demo.ipynb", "demo.html", "demo.png", "demo.pdf", "demo.npz"):
        (out / name).unlink(missing_ok=True)
    inputs = chosen()
    start = time.monotonic()
    say(f"demo: {inputs['GOINTR_IMAGE']} with {inputs['GOINTR_CHECKPOINT']}")

    def told(number, of, seconds, cell):
        code = cell.source.split("%%")[-1].strip().splitlines()
        say(f"demo: cell {number} of {of}, {seconds:5.1f} s   {code[-1] if len(code) == 1 else code[0]}")

    nb = execute(here / "demo.ipynb", out, inputs, told)
    nbformat.write(nb, out / "demo.ipynb")
    nb.metadata.language_info["pygments_lexer"] = "go"  # GoNB leaves it empty, and the page would have no colours
    html, _ = HTMLExporter(template_name="lab").from_notebook_node(nb)
    (out / "demo.html").write_text(html, encoding="utf-8")
    if said := failure(nb):
        say(said)
        sys.exit("demo: a cell failed, see out/demo.html")
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            for line in output.get("text", "").splitlines():
                if line.startswith(("Species predicted", "Note:")):
                    say("demo: " + line)
    say(f"demo: done in {time.monotonic() - start:.0f} s. Look at")
    for name, what in (("demo.html", "the notebook, in any browser"), ("demo.ipynb", "the notebook, in Jupyter"), ("demo.png", "its figure")):
        say(f"  out/{name:<11} {what}")


def lab():
    root_user = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    os.environ.update(chosen())
    os.chdir(here)
    program = shutil.which("jupyter-lab", path=os.path.dirname(sys.executable))
    os.execv(program, [program, *root_user, "demo.ipynb", *sys.argv[2:]])


def bench():
    inputs = fullsize()
    os.execv(gointr, [str(gointr), "bench", inputs["GOINTR_IMAGE"], "--checkpoint", inputs["GOINTR_CHECKPOINT"], *sys.argv[2:]])


def versus():
    inputs = fullsize()
    checkpoint = inputs["GOINTR_CHECKPOINT"]
    found = subprocess.run([gointr, "inspect", checkpoint, "--json"], capture_output=True, text=True)  # a name becomes a file
    if found.returncode:
        sys.exit(found.stderr.strip())
    os.execv(sys.argv[2], [sys.argv[2], str(root / "internal" / "oracle" / "bench.py"), "--gointr", str(gointr),
                           "--checkpoint", json.loads(found.stdout)["checkpoint"], "--image", inputs["GOINTR_IMAGE"], "--sample", str(here / "bird.png"), *sys.argv[3:]])


def loader():
    import tempfile

    program = [sys.argv[2], "-W", "ignore", str(root / "internal" / "oracle" / "loader.py")]
    with tempfile.TemporaryDirectory(prefix="gointr-bench-") as drawn:
        dataset = os.environ.get("GOINTR_DATASET") or root.parent / "shared" / "data" / "cub10"
        if not os.path.isdir(dataset):
            say(f"bench: there is no dataset {dataset}: pictures are drawn")
            dataset = drawn
            subprocess.run([*program, "--draw", drawn], check=True)
        subprocess.run([*program, "--gointr", gointr, "--dataset", dataset], check=True)


def step(rounds=3):
    from statistics import median

    ratios = []
    for i in range(rounds):
        said = subprocess.run(["go", "test", "./pkg/finetune/train", "-run", "none", "-bench", "StepR50", "-benchtime", "4x"], cwd=root, capture_output=True, text=True)
        ours = [line.split() for line in said.stdout.splitlines() if line.startswith("BenchmarkStepR50")]
        if not ours:
            sys.exit("bench: the step could not be timed: " + said.stdout + said.stderr)
        ours = float(ours[0][ours[0].index("ns/op") - 1]) / 1e9
        peer = subprocess.run([sys.argv[2], "-W", "ignore", root / "internal" / "oracle" / "bench_step.py", "--steps", "4"], check=True, capture_output=True, text=True).stdout
        ratios.append(ours / float(peer.split()[0]))
        print(f"round {i + 1} of {rounds}: a training step {ours:.2f} s, in PyTorch {peer.strip()}", flush=True)
    print(f"training step    GoINTR / PyTorch = {median(ratios):.2f}")


def learn():
    import tempfile

    with tempfile.TemporaryDirectory(prefix="gointr-learn-") as folder:
        dataset = os.path.join(folder, "birds")
        subprocess.run([gointr, "birds", dataset, "--per-class", "200"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.argv[2], "-W", "ignore", root / "internal" / "oracle" / "learn.py", "--gointr", gointr, "--dataset", dataset, *sys.argv[3:]], check=True)


def shown(client, code):
    """Runs a cell: seconds until its figure is there, and what it printed."""
    said, when = [], []
    start = time.monotonic()

    def hear(message):
        content = message["content"]
        if "image/png" in content.get("data", {}):
            when.append(time.monotonic() - start)
        said.append(content.get("text", ""))

    reply = client.execute_interactive(code, timeout=600, output_hook=hear)
    if reply["content"]["status"] != "ok" or not when:
        sys.exit("bench: the cell failed: " + "".join(said))
    return when[0], "".join(said)


CELL = """import (
	"fmt"

	"github.com/gointr/gointr/pkg/notebook"
)

var model = notebook.Open("%s")
%%%%
"""
EXPLAIN = """bird := model.Explain("%s")
fmt.Println(bird.Took.Forward.Seconds(), bird.Took.Compile.Seconds())
bird.Show()
"""


# Pictures that are new to the session, on a canvas that it has compiled for.
OTHERS = """import sys
from PIL import Image
picture = Image.open(sys.argv[1]).convert("RGB")
for i, out in enumerate(sys.argv[2:], 1):
    picture.crop((0, 0, picture.width - i, picture.height)).save(out, quality=95)
"""


def cells(rounds=3, warm=5):
    import tempfile
    from jupyter_client.manager import KernelManager
    from statistics import median

    inputs = fullsize()
    found = subprocess.run([gointr, "inspect", inputs["GOINTR_CHECKPOINT"], "--json"], capture_output=True, text=True)
    if found.returncode:
        sys.exit(found.stderr.strip())
    checkpoint, image = json.loads(found.stdout)["checkpoint"], os.path.abspath(inputs["GOINTR_IMAGE"])
    first, peer, beyond, again = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="gointr-bench-") as folder:
        os.environ["GOINTR_RUNTIME_DIR"] = folder  # a session of its own
        others = [os.path.join(folder, f"{i}.jpg") for i in range(warm)]
        subprocess.run([sys.argv[2], "-c", OTHERS, image, *others], check=True)
        for i in range(rounds):
            start = time.monotonic()
            subprocess.run([sys.argv[2], "-W", "ignore", root / "internal" / "oracle" / "demo.py", checkpoint, image, os.path.join(folder, "demo.png")], check=True)
            peer.append(time.monotonic() - start)
            manager = KernelManager(kernel_name="gointr")
            manager.start_kernel(stderr=subprocess.DEVNULL)
            client = manager.client()
            client.start_channels()
            try:
                client.wait_for_ready(timeout=120)
                seconds, said = shown(client, CELL % checkpoint + EXPLAIN % image)
                forward, compiling = map(float, said.split()[:2])
                first.append(seconds)
                print(f"round {i + 1} of {rounds}: the first cell ever {seconds:.2f} s (forward pass {forward:.2f} s, compiling graphs {compiling:.2f} s), the demo in PyTorch {peer[-1]:.2f} s", flush=True)
                for other in others:
                    seconds, said = shown(client, "%%\n" + EXPLAIN % other)
                    beyond.append((seconds - float(said.split()[0]), float(said.split()[0])))
                again.append(shown(client, "%%\n" + EXPLAIN % others[-1])[0])
            finally:
                client.stop_channels()
                manager.shutdown_kernel(now=True)
                subprocess.run([gointr, "session", "stop"], check=True, stdout=subprocess.DEVNULL)
    print(f"first cell ever  GoINTR / PyTorch = {median(f / p for f, p in zip(first, peer)):.2f}")
    print(f"warm cell        {median(b for b, _ in beyond):.2f} s from run to figure beyond its forward pass of {median(f for _, f in beyond):.2f} s (at most {max(b for b, _ in beyond):.2f} s)")
    print(f"the same again   {median(again):.2f} s from run to figure, without a forward pass")


def edited(rounds=9):
    import tempfile
    from jupyter_client.manager import KernelManager
    from statistics import median

    def answered(client, code):
        start, said = time.monotonic(), []
        reply = client.execute_interactive(code, timeout=600, output_hook=lambda m: said.append(m["content"].get("text", "")))
        if reply["content"]["status"] != "ok":
            sys.exit("bench: the cell failed: " + "".join(said))
        return time.monotonic() - start, "".join(said)

    def kernel(name):
        manager = KernelManager(kernel_name=name)
        start = time.monotonic()
        manager.start_kernel(stderr=subprocess.DEVNULL)
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=120)
        return manager, client, time.monotonic() - start

    image, spent = here / "bird.png", {"compile": [], "link": []}
    with tempfile.TemporaryDirectory(prefix="gointr-bench-") as folder:
        os.environ["GOINTR_RUNTIME_DIR"] = folder  # a session of its own
        times = os.environ["GOINTR_TIMES"] = os.path.join(folder, "times")
        python, asked, _ = kernel("python3")
        manager, client, ready = kernel("gointr")
        try:
            start = time.monotonic()
            written = "import \"github.com/gointr/gointr/pkg/notebook\"\nnotebook.Op"
            if "Open" not in client.complete(written, len(written), reply=True, timeout=60)["content"]["matches"]:
                sys.exit("bench: the first Tab does not find notebook.Open")
            tab = time.monotonic() - start
            prints, peer = [], []
            for i in range(rounds):
                prints.append(answered(client, f"fmt.Println({i})")[0])
                peer.append(answered(asked, f"print({i})")[0])
            first = shown(client, CELL % "sample" + EXPLAIN % image)[0]
            cells, asks, draws = [], [], []
            for i in range(rounds):
                open(times, "w").close()
                seconds, said = answered(client, f"""%%
fmt.Print({i})
start := time.Now()
bird := model.Explain("{image}")
asked := time.Since(start).Seconds()
bird.Show()
fmt.Println("", asked, time.Since(start).Seconds()-asked)
""")
                if i == 0:
                    continue  # the first of its imports is a whole build
                cells.append(seconds)
                _, ask, draw = said.split("\n")[-2].split()
                asks.append(float(ask))
                draws.append(float(draw))
                for line in open(times):
                    what, took = line.split()
                    spent[what].append(float(took))
            size = max(f.stat().st_size for f in pathlib.Path(tempfile.gettempdir()).glob("gointr-kernel-*/gonb_*/gonb_*") if f.is_file())
        finally:
            for c, m in ((client, manager), (asked, python)):
                c.stop_channels()
                m.shutdown_kernel(now=True)
            subprocess.run([gointr, "session", "stop"], stdout=subprocess.DEVNULL)
    parts = {"compiling": median(spent["compile"]), "linking": median(spent["link"]), "asking the session": median(asks), "drawing and showing": median(draws)}
    print(f"edited fmt.Println   {median(prints):.2f} s, print in Python's kernel {median(peer):.3f} s")
    print(f"edited Explain, Show {median(cells):.2f} s: " + ", ".join(f"{what} {took:.2f} s" for what, took in parts.items()) + f", all else {median(cells) - sum(parts.values()):.2f} s")
    print(f"first cell           {first:.2f} s, after {ready:.2f} s until the kernel answers")
    print(f"first Tab            {tab:.2f} s")
    print(f"size of such a cell  {size / 1e6:.1f} MB")


if __name__ == "__main__":
    verbs = {"edited": edited, "cells": cells, "demo": demo, "lab": lab, "bench": bench, "learn": learn, "loader": loader, "step": step, "versus": versus}
    if len(sys.argv) < 2 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    try:
        verbs[sys.argv[1]]()
    except KeyboardInterrupt:
        sys.exit("stopped")
