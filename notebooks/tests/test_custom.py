"""custom.ipynb, with the small checkpoint: its numbers are the command line's and PyTorch's (testdata/custom.py)."""
import base64
import json
import pathlib
import re
import shutil
import subprocess
import unittest

import nbformat

from common import colours, folder, notebooks, run

# What the notebook shows as pictures, as numbers; and the model as it was after a head came back.
MORE = """import "encoding/json"

%%
m, p := open()
exec := lastLayer(m)
results := run(m, exec, p)
worth := explanation(m, results[0], results[2])
undo := silence(exec, "transformer.decoder.layers.1.multihead_attn.out_proj.weight", 0, 8)
silenced := numbers(run(m, exec, p)[0])
undo()
told, err := json.Marshal(map[string]any{
	"layers": layerLogits(m, p), "weighed": weighed(worth, worth.Best().Index),
	"before": worth.Logits, "silenced": silenced, "after": numbers(run(m, exec, p)[0]),
})
notebook.Check(err)
fmt.Println("told:", string(told))
"""


class Custom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.inputs = run.fixture()
        cls.pytorch = json.loads((pathlib.Path(__file__).parent / "testdata" / "custom.json").read_text())
        with folder() as place:
            shutil.copy(notebooks / "custom.ipynb", place)
            nb = nbformat.read(place / "custom.ipynb", as_version=4)
            nb.cells.append(nbformat.v4.new_code_cell(MORE))
            nbformat.write(nb, place / "custom.ipynb")
            seconds = []
            cls.nb = run.execute(place / "custom.ipynb", place, cls.inputs, lambda *told: seconds.append(told[2]))
            cls.pdf = (place / "custom.pdf").read_bytes() if (place / "custom.pdf").exists() else b""
        print("seconds a cell:", *(f"{s:.1f}" for s in seconds))
        cls.outputs = [o for c in cls.nb.cells for o in c.get("outputs", [])]
        cls.text = "".join(o.text for o in cls.outputs if o.output_type == "stream" and o.name == "stdout")
        cls.pictures = [base64.b64decode(o.data["image/png"]) for o in cls.outputs if "image/png" in o.get("data", {})]
        assert run.failure(cls.nb) is None, run.failure(cls.nb)
        cls.told = json.loads(re.search(r"(?m)^told: (.*)$", cls.text)[1])

    def close(self, got, want, within):
        self.assertEqual(len(got), len(want))
        for i, (a, b) in enumerate(zip(got, want)):
            self.assertLessEqual(abs(a - b), within, f"number {i} is {a}, want {b}")

    def test_nothing_is_said_on_stderr(self):
        self.assertEqual("".join(o.text for o in self.outputs if o.output_type == "stream" and o.name == "stderr"), "")

    def test_the_stages_have_the_shapes_of_the_network(self):
        shapes = {name: [int(n) for n in dims.split()] for name, dims in
                  re.findall(r"(?m)^(\w+) +\[pictures, rows, cols, channels\] = \[([\d ]+)\]$", self.text)}
        self.assertEqual(shapes, {"layer1": [1, 200, 267, 4], "layer2": [1, 100, 134, 8], "layer3": [1, 50, 67, 16],
                                  "layer4": [1, 25, 34, 32], "projected": [1, 25, 34, 16], "encoder": [1, 25, 34, 16]})

    def test_the_last_layers_logits_are_those_of_predict(self):
        args = [run.gointr, "predict", self.inputs["GOINTR_IMAGE"], "--checkpoint", self.inputs["GOINTR_CHECKPOINT"], "--json", "--logits"]
        want = json.loads(subprocess.run(args, check=True, capture_output=True).stdout)["logits"]
        self.close(self.told["layers"][-1], want, 1e-4)
        shown = [(int(c), float(v)) for c, v in re.findall(r"(?m)^\d\. class (\d): logit (-?[\d.]+)$", self.text)]
        self.assertEqual([c for c, _ in shown], sorted(range(5), key=lambda c: -want[c]))
        self.close([v for _, v in shown], sorted(want, reverse=True), 2e-4)

    def test_every_layers_logits_are_pytorchs(self):
        self.assertEqual(len(self.told["layers"]), 2)
        for got, want in zip(self.told["layers"], self.pytorch["logits"]):
            self.close(got, want, 1e-4)

    def test_the_weighed_map_is_pytorchs(self):
        got, want = self.told["weighed"], [v for row in self.pytorch["weighed"] for v in row]
        self.assertEqual((got["Rows"], got["Cols"]), (25, 34))
        self.close(got["Values"], want, 1e-4 * max(want))
        sums = re.findall(r"(?m)^class \d: the mean of the heads sums to ([\d.]+), weighed by gradients to ([\d.]+)$", self.text)
        self.assertEqual(len(sums), 2)
        self.close([float(mean) for mean, _ in sums], [1, 1], 1e-5)
        self.assertAlmostEqual(float(sums[0][1]), sum(want), delta=1e-4)

    def test_what_a_silenced_head_costs_is_what_it_does_in_pytorch(self):
        heads = re.findall(r"(?m)^without head \d it loses +(-?[\d.]+), by the gradient +(-?[\d.]+)$", self.text)
        self.close([float(lost) for lost, _ in heads], self.pytorch["lost"], 3e-4)
        self.close([float(estimate) for _, estimate in heads], self.pytorch["estimate"], 3e-4)

    def test_a_head_comes_back(self):
        self.close(self.told["after"], self.told["before"], 1e-4)
        self.assertGreater(max(abs(a - b) for a, b in zip(self.told["silenced"], self.told["before"])), 0.1)

    def test_the_figures_are_shown_and_saved(self):
        self.assertEqual(len(self.pictures), 4)
        for i, png in enumerate(self.pictures):
            width, height, found = colours(png)
            self.assertEqual(width, 2100, "7 inches at 300 dots")
            self.assertGreater(width, 2 * height)
            self.assertGreater(len(found), (2000, 20)[i % 2], f"figure {i} is nearly empty")
        self.assertEqual(self.pdf[:5], b"%PDF-")
