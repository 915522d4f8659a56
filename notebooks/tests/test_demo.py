import base64
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from common import colours, folder, inputs, notebooks, run


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.inputs = inputs()
        with folder() as cls.folder:
            cls.seconds = []
            cls.nb = run.execute(cls.folder / "demo.ipynb", cls.folder, cls.inputs, lambda *told: cls.seconds.append(told[2]))
            cls.files = {f.name: f.read_bytes() for f in cls.folder.glob("demo.*")}
        cls.outputs = [o for c in cls.nb.cells for o in c.get("outputs", [])]
        cls.text = "".join(o.text for o in cls.outputs if o.output_type == "stream" and o.name == "stdout")
        cls.pictures = [base64.b64decode(o.data["image/png"]) for o in cls.outputs if "image/png" in o.get("data", {})]
        print("seconds a cell:", *(f"{s:.1f}" for s in cls.seconds))

    def test_every_cell_runs(self):
        self.assertIsNone(run.failure(self.nb))
        for cell in self.nb.cells:
            if cell.cell_type == "code":
                self.assertIsNotNone(cell.execution_count, cell.source)

    def test_nothing_but_sentences_on_stderr(self):
        said = "".join(o.text for o in self.outputs if o.output_type == "stream" and o.name == "stderr")
        self.assertNotRegex(said, "goroutine|panic|\\.go:[0-9]")

    def test_it_predicts_what_the_command_line_does(self):
        args = [run.gointr, "predict", self.inputs["GOINTR_IMAGE"], "--checkpoint", self.inputs["GOINTR_CHECKPOINT"], "--json", "--top", "5"]
        if self.inputs["GOINTR_CLASSES"]:
            args += ["--classes", self.inputs["GOINTR_CLASSES"]]
        best = json.loads(subprocess.run(args, check=True, capture_output=True).stdout)["top"]
        name = re.sub(r"^\d+\.", "", best[0]["name"]).replace("_", " ")
        self.assertIn(f"Species predicted by INTR is: {name}\n", self.text)
        table = "".join(o.data.get("text/html", "") for o in self.outputs if "data" in o)
        for c in best:
            self.assertIn(f"{c['logit']:.2f}", table)

    def test_it_predicts_what_pytorch_does(self):
        facts = run.root.parent / "shared" / "golden" / "facts.json"
        if not facts.exists():
            self.skipTest("PyTorch's answers are not beside this checkout")
        names = pathlib.Path(self.inputs["GOINTR_CLASSES"]).read_text().split("\n")
        name = names[json.loads(facts.read_text())["full_size"]["predicted"]].split(".")[1].replace("_", " ")
        self.assertIn(f"Species predicted by INTR is: {name}\n", self.text)

    def test_the_picture_and_the_figure_are_shown(self):
        self.assertEqual(len(self.pictures), 3)
        for png in self.pictures:
            width, height, found = colours(png)
            self.assertGreater(width * height, 100_000)
            self.assertGreater(len(found), 2000, "the picture is nearly flat")
        width, height, _ = colours(self.pictures[1])
        self.assertGreater(width, 1500)
        self.assertGreater(width, 2 * height, "the picture and its heads lie in a row")

    def test_two_classes_are_compared_and_can_be_explored(self):
        width, height, _ = colours(self.pictures[2])
        first, second, _ = colours(self.pictures[1])
        self.assertEqual(width, first)
        self.assertGreater(height, 1.6 * second, "two classes take two rows")
        explorer = [o.data["text/html"] for o in self.outputs if "iframe" in o.get("data", {}).get("text/html", "")]
        self.assertEqual(len(explorer), 1)
        self.assertLess(len(explorer[0]), 2_000_000)

    def test_the_time_is_told(self):
        self.assertRegex(self.text, r"\d\.\d\d s forward pass.* s around it")

    def test_the_figure_is_saved(self):
        self.assertEqual(self.files["demo.png"][:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(self.files["demo.pdf"][:5], b"%PDF-")
        self.assertEqual(self.files["demo.npz"][:2], b"PK")

    def test_the_shape_of_the_attention_is_told(self):
        told = re.search(r"= \[(\d+) (\d+) (\d+) (\d+) (\d+)\]", self.text)
        layers, heads, classes, rows, cols = map(int, told.groups())
        self.assertGreater(min(layers, heads, classes), 1)
        self.assertGreater(rows, 10)
        self.assertGreater(cols, 10)
        self.assertIn("logits     [classes] = [%d]" % classes, self.text)
        self.assertEqual(len(re.findall(r"(?m)^head \d+ looked most at", self.text)), heads)


class AsCommitted(unittest.TestCase):
    def test_no_outputs_and_the_kernel_that_is_installed(self):
        for path in notebooks.glob("*.ipynb"):
            nb = json.loads(path.read_text(encoding="utf-8"))
            self.assertEqual((nb["nbformat"], nb["metadata"]["kernelspec"]["name"]), (4, "gointr"))
            for cell in nb["cells"]:
                self.assertFalse(cell.get("outputs"), f"{path.name} has outputs: clear them before committing")


class Choice(unittest.TestCase):
    def test_a_path_given_outside_is_found_from_the_notebooks_folder(self):
        import os
        from unittest import mock

        with tempfile.TemporaryDirectory() as name, mock.patch.dict(os.environ, GOINTR_CHECKPOINT="model.pth", GOINTR_IMAGE="bird.jpg"):
            here = os.getcwd()
            os.chdir(name)
            try:
                open("model.pth", "w").close()
                chosen = run.chosen()
            finally:
                os.chdir(here)
            self.assertEqual(chosen["GOINTR_CHECKPOINT"], os.path.join(os.path.realpath(name), "model.pth"))
            self.assertEqual(chosen["GOINTR_IMAGE"], "bird.jpg")
            self.assertEqual(chosen["GOINTR_CLASSES"], "")
