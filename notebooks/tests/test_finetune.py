"""finetune.ipynb, executed: it trains, what it trained is there, and the command line and PyTorch's format agree with it."""
import json
import os
import re
import signal
import shutil
import subprocess
import time
import unittest
import zipfile

import nbformat

from common import folder, kernel, notebooks, run, session


TRAIN = """import "github.com/gointr/gointr/pkg/notebook"
%%
notebook.FineTune("nothing", "birds", "run", func(o *notebook.FineTuneOptions) {
	o.Engine, o.Size, o.BatchSize, o.Epochs = "go", 64, 4, 400
	o.Schedule.Kind = "ConstantLR"
})
"""


class Interrupted(unittest.TestCase):
    def test_it_is_saved_and_joined_and_goes_on(self):
        def wait_until(test, seconds=60):
            end = time.monotonic() + seconds
            while not test() and time.monotonic() < end:
                time.sleep(0.05)
            self.assertTrue(test(), f"not within {seconds} s")

        with folder() as place, kernel(place) as (manager, client):
            subprocess.run([run.gointr, "birds", "birds", "--classes", "2", "--per-class", "9", "--size", "64", "--json"], cwd=place, check=True, capture_output=True)
            steps = place / "run" / "steps.txt"

            def interrupted():
                """Runs the cell, interrupts it when it has trained some more, and gives what it said of that."""
                message, said, shown = client.execute(TRAIN), "", False
                while True:
                    content = client.get_iopub_msg(timeout=60)
                    if content["parent_header"].get("msg_id") != message:
                        continue
                    if not shown and content["msg_type"] == "display_data":  # before, the cell is being compiled
                        shown, before = True, steps.read_text().count("\n") if steps.exists() else 0
                        wait_until(lambda: steps.exists() and steps.read_text().count("\n") > before + 3)
                        manager.interrupt_kernel()
                    said += content["content"].get("text", "") if content["content"].get("name") == "stderr" else content["content"].get("evalue", "")
                    if content["content"].get("execution_state") == "idle":
                        return said

            self.assertIn("the training was stopped and saved: run the cell again to go on", interrupted())
            self.assertEqual(session("status")["trainings"], [])
            self.assertTrue((place / "run" / "checkpoint.pth").exists())
            made = steps.read_text()

            # A cell whose kernel is killed leaves the training to the session; another kernel's cell joins it.
            with kernel(place) as (other, second):
                second.execute(TRAIN)
                wait_until(lambda: steps.read_text().count("\n") > made.count("\n") + 3)
                os.kill(other.provisioner.pid, signal.SIGKILL)
            running = session("status")["trainings"]
            self.assertEqual([os.path.basename(t["run"]) for t in running], ["run"])
            self.assertIn("stopped and saved", interrupted())
            self.assertTrue(steps.read_text().startswith(made))


class FineTune(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with folder() as place:
            shutil.copy(notebooks / "finetune.ipynb", place)
            subprocess.run([run.gointr, "birds", "birds", "--classes", "10", "--per-class", "16", "--json"], cwd=place, check=True, capture_output=True)
            inputs = {"GOINTR_START": "sample", "GOINTR_DATASET": "birds", "GOINTR_RUN": "runs/birds", "GOINTR_EPOCHS": "3"}
            seconds = []
            cls.nb = run.execute(place / "finetune.ipynb", place, inputs, lambda *told: seconds.append(told[2]))
            cls.failed = run.failure(cls.nb)
            for name in inputs:
                del os.environ[name]
            if cls.failed is None:
                cls.files = sorted(p.name for p in (place / "runs" / "birds").iterdir())
                cls.log = [json.loads(line) for line in (place / "runs" / "birds" / "log.txt").read_text().splitlines()]
                args = [run.gointr, "eval", "--checkpoint", "runs/birds/best.pth", "--dataset", "birds", "--json"]
                cls.evaluated = json.loads(subprocess.run(args, cwd=place, check=True, capture_output=True).stdout)
                with zipfile.ZipFile(place / "runs" / "birds" / "checkpoint.pth") as z:
                    cls.saved = z.namelist()
                cls.pdf = (place / "curves.pdf").read_bytes()
        print("seconds a cell:", *(f"{s:.1f}" for s in seconds))
        assert cls.failed is None, cls.failed
        cls.outputs = [o for c in cls.nb.cells for o in c.get("outputs", [])]
        cls.text = "".join(o.text for o in cls.outputs if o.output_type == "stream" and o.name == "stdout")

    def test_nothing_is_said_on_stderr(self):
        self.assertEqual("".join(o.text for o in self.outputs if o.output_type == "stream" and o.name == "stderr"), "")

    def test_it_learns(self):
        self.assertEqual([line["epoch"] for line in self.log], [0, 1, 2])
        self.assertLess(self.log[-1]["train_loss"], self.log[0]["train_loss"])

    def test_the_run_is_a_folder(self):
        for name in ("best.pth", "checkpoint.pth", "classes.txt", "config.json", "curves.png", "log.txt", "provenance.json", "steps.txt"):
            self.assertIn(name, self.files)
        self.assertFalse([n for n in self.files if n.startswith(".")])
        self.assertTrue([n for n in self.saved if n.endswith("data.pkl")])

    def test_the_training_is_shown_in_two_outputs(self):
        cell = [c for c in self.nb.cells if "notebook.FineTune(" in c.source][0]
        html = [o.data["text/html"] for o in cell.outputs if "text/html" in o.get("data", {})]
        png = [o for o in cell.outputs if "image/png" in o.get("data", {})]
        self.assertEqual((len(html), len(png)), (1, 1))
        self.assertRegex(html[0], r"birds: 3 epochs, the best with acc1 [\d.]+ % in validation")
        self.assertIn("Curves of 3 epochs", png[0].data["text/plain"])

    def test_the_evaluation_is_the_command_lines(self):
        said = re.search(r"(?m)^acc1 ([\d.]+) % .*loss ([\d.]+), (\d+) pictures$", self.text)
        self.assertEqual((said[1], said[2], said[3]), (f"{self.evaluated['acc1']:.1f}", f"{self.evaluated['loss']:.4f}", str(self.evaluated["images"])))

    def test_the_best_model_knows_its_classes(self):
        self.assertRegex(self.text, r"(?m)^Species predicted by INTR is: [A-Z][A-Za-z-]+ \w+")
        self.assertEqual(self.pdf[:5], b"%PDF-")

    def test_no_outputs_are_committed(self):
        nb = nbformat.read(notebooks / "finetune.ipynb", as_version=4)
        for cell in nb.cells:
            self.assertFalse(cell.get("outputs"))
        self.assertEqual(nb.metadata.kernelspec.name, "gointr")
