"""Tab and Shift-Tab in a cell."""
import shutil
import time
import unittest

from common import ask, folder, kernel, run


class Completion(unittest.TestCase):
    def test_our_packages_complete_and_explain_themselves(self):
        with folder() as f, kernel(f) as (_, client):
            shutil.copy(run.fixture()["GOINTR_CHECKPOINT"], f / "model.pth")

            def complete(code):
                return client.complete(code, len(code), reply=True, timeout=120)["content"]["matches"]

            def help_of(code, word):
                return str(client.inspect(code, code.index(word) + 1, reply=True, timeout=120)["content"]["data"])

            # The first key of a fresh kernel, before any cell.
            start = time.monotonic()
            self.assertEqual(complete("notebook.Op"), ["Open", "OpenOptions", "OpenRun"])
            self.assertEqual(complete('bird := notebook.Open("cub").Explain("x.jpg")\nbird.Com'), ["Compare"])
            self.assertIn("Open gives a checkpoint", help_of('notebook.Open("cub")', "Open"))
            print(f"the first Tabs and the first help took {time.monotonic() - start:.2f} s")

            said = ask(client, 'import "github.com/gointr/gointr/pkg/notebook"\nvar model = notebook.Open("model.pth", notebook.Backend("go"))\n%%\nmodel.Explain("bunting.jpg").Top(1).Show()')
            self.assertTrue(said.ok, said.stderr)
            self.assertEqual(complete("%%\nmodel.Expl"), ["Explain", "ExplainAll", "ExplainPhoto"])
            self.assertIn("Save", complete('%%\nbird := model.Explain("x.jpg")\nbird.Compare("a", "b").Show().Sa'))
            self.assertIn("Explain ranks the classes for one picture", help_of('%%\nmodel.Explain("x.jpg")', "Explain"))
            self.assertIn("mod", complete("mod")[0])
