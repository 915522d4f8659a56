"""figures.ipynb, executed: every figure is there in every form, at its width, with its caption and its numbers."""
import csv
import io
import json
import re
import shutil
import struct
import subprocess
import unittest
import xml.etree.ElementTree
import zipfile

import nbformat

from common import folder, notebooks, run

WIDTHS = {"published": 3.28125, "heads": 3.28125, "grid": 6.875, "head": 3.28125, "difference": 3.28125, "film": 3.28125, "layers": 6.875}


class Figures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with folder() as place:
            shutil.copy(notebooks / "figures.ipynb", place)
            seconds = []
            cls.nb = run.execute(place / "figures.ipynb", place, {}, lambda *told: seconds.append(told[2]))
            cls.failed = run.failure(cls.nb)
            cls.files = {p.name: p.read_bytes() for p in (place / "figures").iterdir()} if cls.failed is None else {}
            cls.fonts = ""
            if cls.files and shutil.which("pdffonts"):
                for name in WIDTHS:
                    cls.fonts += "\n".join(subprocess.run(["pdffonts", place / "figures" / f"{name}.pdf"], check=True, capture_output=True, text=True).stdout.splitlines()[2:]) + "\n"
        print("seconds a cell:", *(f"{s:.1f}" for s in seconds))
        assert cls.failed is None, cls.failed
        cls.outputs = [o for c in cls.nb.cells for o in c.get("outputs", [])]

    def test_nothing_is_said_on_stderr(self):
        self.assertEqual("".join(o.text for o in self.outputs if o.output_type == "stream" and o.name == "stderr"), "")

    def test_every_figure_is_shown(self):
        shown = [o.data["text/plain"] for o in self.outputs if "image/png" in o.get("data", {})]
        self.assertEqual(len(shown), len(WIDTHS), shown)

    def test_every_form_is_there(self):
        self.assertEqual(sorted(self.files), sorted(f"{name}.{form}" for name in WIDTHS for form in ("pdf", "eps", "svg", "png", "tex", "npz", "csv", "json")))

    def test_widths(self):
        for name, inches in WIDTHS.items():
            points = 72 * inches
            box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ", self.files[name + ".pdf"])
            self.assertAlmostEqual(float(box[1]), points, delta=0.01)
            box = re.search(rb"%%HiResBoundingBox: 0 0 ([\d.]+) ", self.files[name + ".eps"])
            self.assertAlmostEqual(float(box[1]), points, delta=0.01)
            png = self.files[name + ".png"]
            self.assertAlmostEqual(struct.unpack(">I", png[16:20])[0], 300 * inches, delta=1)
            at = png.index(b"pHYs") + 4
            self.assertAlmostEqual(struct.unpack(">I", png[at:at + 4])[0] * 0.0254, 300, delta=0.1)
            xml.etree.ElementTree.fromstring(self.files[name + ".svg"])

    def test_fonts_are_embedded(self):
        if not self.fonts:
            self.skipTest("pdffonts is not installed")
        for line in self.fonts.split("\n"):
            if line:
                self.assertRegex(line, r" yes (yes|no) +(yes|no) +\d+ +\d+$")

    def test_captions_and_numbers(self):
        for name in WIDTHS:
            caption = self.files[name + ".tex"].decode()
            self.assertRegex(caption, r"(?m)^\\caption\{W.*\\emph\{.*SHA-256 [0-9a-f]{12}.*\}$")
            data = json.loads(self.files[name + ".json"])
            self.assertRegex(data["provenance"]["sha256"], "^[0-9a-f]{64}$")
            lines = list(csv.DictReader(self.files[name + ".csv"].decode().splitlines()))
            values = [v for m in data["maps"] for v in m["values"]]
            self.assertEqual([float(line["value"]) for line in lines], values)
        for m in json.loads(self.files["difference.json"])["maps"]:
            self.assertAlmostEqual(sum(m["values"]), 0, delta=1e-4)  # as those of both classes sum to 1
            self.assertEqual(m["scale"][0], -m["scale"][1])
        with zipfile.ZipFile(io.BytesIO(self.files["grid.npz"])) as z:
            self.assertIn("maps.npy", z.namelist())

    def test_no_outputs_are_committed(self):
        nb = nbformat.read(notebooks / "figures.ipynb", as_version=4)
        for cell in nb.cells:
            self.assertFalse(cell.get("outputs"))
        self.assertEqual(nb.metadata.kernelspec.name, "gointr")
