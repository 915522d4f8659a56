"""The session between the cells of a notebook: it stays, it can be interrupted, it comes back."""
import contextlib
import os
import pathlib
import re
import signal
import time
import unittest

import psutil

from common import ask, folder, inputs, kernel, session

SETUP = """import (
	"fmt"

	"github.com/gointr/gointr/pkg/notebook"
)

var model = notebook.Open(%s)
%%%%
fmt.Println(model)
"""


def wait_until(test, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if test():
            return True
        time.sleep(0.02)
    return False


class Session(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.folder = stack.enter_context(folder())
        cls.manager, cls.client = stack.enter_context(kernel(cls.folder))
        cls.setup = SETUP % f'"{inputs()["GOINTR_CHECKPOINT"]}"'
        said = ask(cls.client, cls.setup)
        assert said.ok, said.__dict__

    def explain(self, client=None):
        said = ask(client or self.client, '%%\nbird := model.Explain("bunting.jpg")\nfmt.Printf("%d %.4f\\n", bird.Best().Index, bird.Best().Logit)\nbird.Show()')
        self.assertTrue(said.ok, said.stderr + said.error)
        return said

    def test_a_warm_cell_meets_the_same_model(self):
        first = self.explain()
        before = session("status")
        start = time.monotonic()
        second = self.explain()
        print(f"a warm cell took {time.monotonic() - start:.2f} s with its forward pass")
        after = session("status")
        self.assertEqual(first.stdout, second.stdout)
        self.assertEqual((before["pid"], before["answered"] + 1, len(before["models"])), (after["pid"], after["answered"], len(after["models"])))

    def test_interrupt_stops_its_work_and_leaves_it_alive(self):
        self.explain()
        pid = session("status")["pid"]
        many = self.folder / "many"
        many.mkdir(exist_ok=True)
        for i in range(60):  # all different: what was answered before is not computed again
            (many / f"{i:02}.ppm").write_bytes(b"P6 640 480 255\n" + bytes([i, 0, 255 - i]) * (640 * 480))
        message = self.client.execute('%%\nfor range model.ExplainAll("many") {\n}')
        self.assertTrue(wait_until(lambda: session("status")["jobs"], 60), "nothing runs")
        time.sleep(0.3)
        self.manager.interrupt_kernel()
        start = time.monotonic()
        cell = lambda: [p for p in psutil.Process(self.manager.provisioner.pid).children(recursive=True) if "gonb_" in p.name()]  # noqa: E731
        self.assertTrue(wait_until(lambda: not cell() and not session("status")["jobs"], 5), "the work goes on")
        took = time.monotonic() - start
        self.assertLess(took, 1.5, "the work goes on for more than a second")  # with the 20 ms of each look
        print(f"interrupted within {took:.2f} s")
        self.assertEqual(session("status")["pid"], pid)
        while self.client.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != message:
            pass
        self.explain()

    def test_it_outlives_the_kernel(self):
        self.explain()
        pid = session("status")["pid"]
        with kernel(self.folder) as (_, client):
            self.assertTrue(ask(client, self.setup).ok)
            self.explain(client)
        self.assertEqual(session("status")["pid"], pid)

    def test_killed_it_comes_back_and_says_so(self):
        first = self.explain()
        pid = session("status")["pid"]
        os.kill(pid, signal.SIGKILL)
        second = self.explain()
        self.assertEqual(first.stdout, second.stdout)
        self.assertRegex(second.stderr, rf"The session \(process {pid}\) had been killed: a new one was started")
        self.assertNotEqual(session("status")["pid"], pid)
        self.assertEqual(self.explain().stderr, "")

    def test_evaluate(self):
        for bird in ("1.Wren", "2.Rook", "3.Crow", "4.Owl", "5.Gull"):
            (self.folder / "birds" / "val" / bird).mkdir(parents=True, exist_ok=True)
            (self.folder / "birds" / "val" / bird / "a.jpg").write_bytes((self.folder / "bunting.jpg").read_bytes())
        checkpoint = pathlib.Path(__file__).resolve().parents[2] / "pkg" / "intr" / "testdata" / "basic.pth"  # of five classes
        said = ask(self.client, f'%%\ne := notebook.Open("{checkpoint}").Evaluate("birds")' + '\ne.Show()\ne.Worst(2).Show()\ne.Confusion().Show()\ne.Calibration().Show()\nfmt.Println(e.Report.Acc1)')
        self.assertTrue(said.ok, said.stderr)
        self.assertEqual(said.stdout.split(), ["20"])
        html = [bundle["text/html"] for bundle in said.displayed if "text/html" in bundle]
        self.assertRegex(html[0], "<progress max=\"5\" value=\"0\"")
        self.assertIn("5 pictures of 5 classes evaluated", "".join(html[:1] + said.updated))
        self.assertIn("95 % interval 3.6 to 62.4 %", html[1])
        self.assertIn("Most often taken for", html[2])
        self.assertEqual(sum("image/png" in bundle for bundle in said.displayed), 2)

    def test_every_picture_of_a_folder(self):
        pictures = self.folder / "pictures"
        pictures.mkdir(exist_ok=True)
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            (pictures / name).write_bytes((self.folder / "bunting.jpg").read_bytes())
        said = ask(self.client, '%%\nfor bird := range model.ExplainAll("pictures") {\n\tfmt.Println(bird.Numbers.Image, bird.Best().Index)\n}')
        self.assertTrue(said.ok, said.stderr)
        best = self.explain().stdout.split()[0]
        self.assertEqual(said.stdout.split(), ["pictures/a.jpg", best, "pictures/b.jpg", best, "pictures/c.jpg", best])
        bar = [bundle["text/html"] for bundle in said.displayed]
        self.assertRegex(bar[0], "<progress max=\"3\" value=\"0\"")
        self.assertTrue(re.search(r"3 of 3 pictures explained", "".join(bar + said.updated)), bar + said.updated)

        (pictures / "b.jpg").write_text("no picture")
        said = ask(self.client, '%%\nfor bird := range model.ExplainAll("pictures") {\n\tfmt.Println(bird.Numbers.Image)\n}')
        self.assertFalse(said.ok)
        self.assertEqual(said.stdout.split(), ["pictures/a.jpg", "pictures/c.jpg"])
        self.assertIn("1 of 3 pictures could not be explained: pictures/b.jpg", said.error)
