"""Notebooks without a page: nbclient, papermill, nbconvert. Each must give the numbers of the command line."""
import base64
import json
import pathlib
import subprocess
import sys
import unittest

import nbformat

from common import colours, folder, run

HEAD = """import (
	"fmt"

	"github.com/gointr/gointr/pkg/notebook"
)

var (
	image = "nowhere.jpg"
	top   = 1
	names = []string{}
	scale = 0.5
)

var model = notebook.Open("model.pth", notebook.Backend("go"))
"""
BODY = """%%
bird := model.Explain(image)
for _, c := range bird.Numbers.Top(top) {
	fmt.Printf("class %d logit %.6f\\n", c.Index, c.Logit)
}
fmt.Println(len(names), scale)
bird.Top(top).Show()
bird.Show()
"""


def write(path, *cells):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nb.metadata.kernelspec = {"name": "gointr", "display_name": "Go (GoINTR)", "language": "go"}
    nb.cells[0].metadata.tags = ["parameters"]
    nbformat.write(nb, path)


def call(*args, cwd):
    return subprocess.run([sys.executable, "-m", *args], cwd=cwd, capture_output=True, text=True, timeout=600)


class Headless(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(folder()))
        (cls.folder / "model.pth").write_bytes(pathlib.Path(run.fixture()["GOINTR_CHECKPOINT"]).read_bytes())
        write(cls.folder / "right.ipynb", HEAD.replace("nowhere.jpg", "bunting.jpg"), BODY)
        write(cls.folder / "in.ipynb", HEAD, BODY, '%%\nfmt.Println("the last cell")')
        out = subprocess.run([run.gointr, "predict", cls.folder / "bunting.jpg", "--checkpoint", cls.folder / "model.pth", "--backend", "go", "--json"], check=True, capture_output=True)
        cls.best = json.loads(out.stdout)["top"]

    def check(self, nb, top, text):
        outputs = nb.cells[-1].outputs if "the last cell" not in nb.cells[-1].source else nb.cells[-2].outputs
        said = "".join(o.text for o in outputs if o.output_type == "stream")
        lines = said.splitlines()
        self.assertEqual(len(lines), top + 1, said)
        for line, c in zip(lines[:top], self.best):
            number, logit = line.split()[1::2]
            self.assertEqual(int(number), c["class"])
            self.assertAlmostEqual(float(logit), c["logit"], delta=2e-6 * max(1, abs(c["logit"])))
        self.assertEqual(lines[-1], text)
        png = next(base64.b64decode(o.data["image/png"]) for o in outputs if "image/png" in o.get("data", {}))
        self.assertGreater(colours(png)[0], 1500)

    def test_nbclient(self):
        nb = run.execute(self.folder / "right.ipynb", self.folder, {})
        self.assertIsNone(run.failure(nb))
        self.check(nb, 1, "0 0.5")

    def test_papermill(self):
        done = call("papermill", "in.ipynb", "out.ipynb", "-p", "image", "bunting.jpg", "-p", "top", "3", "-p", "scale", "2.0",
                    "-y", 'names: ["a \\"quoted\\" one", "β"]', cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        nb = nbformat.read(self.folder / "out.ipynb", 4)
        self.assertIn('var image = "bunting.jpg"', nb.cells[1].source)
        self.check(nb, 3, "2 2")

    def test_a_mistake_stops_papermill(self):
        done = call("papermill", "in.ipynb", "stopped.ipynb", cwd=self.folder)  # nowhere.jpg
        self.assertNotEqual(done.returncode, 0)
        nb = nbformat.read(self.folder / "stopped.ipynb", 4)
        said = run.failure(nb)
        self.assertIn("nowhere.jpg", said)
        self.assertNotRegex(said, "goroutine|panic|\\.go:[0-9]")
        self.assertFalse(nb.cells[-1].outputs, "it goes on after the mistake")

    def test_nbconvert(self):
        done = call("nbconvert", "--execute", "--to", "html", "right.ipynb", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        page = (self.folder / "right.html").read_text()
        self.assertIn(f"class {self.best[0]['class']} logit {self.best[0]['logit']:.6f}", page)
        self.assertIn("data:image/png;base64,", page)
        self.assertIn(f"{100 * self.best[0]['probability']:.1f} %", page)
        done = call("nbconvert", "--execute", "--to", "html", "in.ipynb", cwd=self.folder)
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse((self.folder / "in.html").exists())


class Go(unittest.TestCase):
    def test_parameters_become_go(self):
        import gointr_papermill  # noqa: F401
        from papermill.translators import papermill_translators

        go = papermill_translators.find_translator("gointr", "go")
        for value, text in ((True, "true"), (3, "3"), (-2.5, "-2.5"), (1e30, "1e+30"), (2.0, "2.0"), (None, "any(nil)"), ('a"b\\\n', '"a\\"b\\\\\\n"'),
                            ([], "[]any{}"), ([1, 2], "[]int{1, 2}"), ([1, 2.5], "[]float64{1, 2.5}"), (["x", 1], '[]any{"x", 1}'),
                            ({"k": [True]}, 'map[string]any{"k": []bool{true}}')):
            self.assertEqual(go.translate(value), text)
        with self.assertRaises(ValueError):
            go.translate(float("nan"))
