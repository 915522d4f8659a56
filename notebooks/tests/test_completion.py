"""Tab and Shift-Tab in a cell."""
import os
import shutil
import time
import unittest

from common import ask, folder, kernel, run


@unittest.skipUnless(os.path.exists(run.root / ".venv/share/jupyter/kernels/gointr/bin/gopls"), "skipped: the kernel was installed without gopls, which needs a network")
class Completion(unittest.TestCase):
    def test_our_packages_complete_and_explain_themselves(self):
        with folder() as f, kernel(f) as (_, client):
            shutil.copy(run.fixture()["GOINTR_CHECKPOINT"], f / "model.pth")
            said = ask(client, 'import "github.com/gointr/gointr/pkg/notebook"\nvar model = notebook.Open("model.pth", notebook.Backend("go"))\n%%\nmodel.Explain("bunting.jpg").Top(1).Show()')
            self.assertTrue(said.ok, said.stderr)

            def complete(code):
                return client.complete(code, len(code), reply=True, timeout=120)["content"]["matches"]

            def help_of(code, word):
                return str(client.inspect(code, code.index(word) + 1, reply=True, timeout=120)["content"]["data"])

            # GoNB gives gopls a few seconds, which is too little while it still loads the packages: who presses Tab again gets an answer.
            end = time.monotonic() + 120
            while not complete("%%\nnotebook.Op") and time.monotonic() < end:
                time.sleep(1)
            self.assertIn("Open", complete("%%\nnotebook.Op"))
            self.assertEqual(complete("%%\nmodel.Expl"), ["Explain", "ExplainAll", "ExplainPhoto"])
            self.assertIn("Compare", complete('%%\nbird := model.Explain("x.jpg")\nbird.Com'))
            self.assertIn("Save", complete('%%\nbird := model.Explain("x.jpg")\nbird.Compare("a", "b").Show().Sa'))
            self.assertIn("Explain ranks the classes for one picture", help_of('%%\nmodel.Explain("x.jpg")', "Explain"))
            self.assertIn("Open gives a checkpoint", help_of('%%\nnotebook.Open("cub")', "Open"))
