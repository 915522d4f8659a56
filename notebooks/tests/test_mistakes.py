import contextlib
import re
import unittest

from common import ask, folder, kernel, run

IMPORT = """import (
	"fmt"
	"os"

	"github.com/gointr/gointr/pkg/notebook"
)
%%
fmt.Println("ready")
"""


class Mistakes(unittest.TestCase):
    """A mistake in a cell gives one red sentence, and the next cell works."""

    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.folder = stack.enter_context(folder())
        _, cls.client = stack.enter_context(kernel(cls.folder))
        cls.checkpoint = run.fixture()["GOINTR_CHECKPOINT"]
        (cls.folder / "text.pth").write_text("these are not weights\n")
        (cls.folder / "text.jpg").write_text("this is not a picture\n")
        said = ask(cls.client, IMPORT)
        assert said.ok and said.stdout == "ready\n", said.__dict__

    def sentence(self, code, *words):
        said = ask(self.client, "%%\n" + code)
        self.assertFalse(said.ok, "Run All goes on after it")
        self.assertEqual(said.stderr, "")
        red = re.fullmatch("mistake\n([^\n]+)\n\x1b\\[31m([^\n\x1b]+)\x1b\\[0m", said.error)
        self.assertIsNotNone(red, f"not one red sentence: {said.error!r}")
        self.assertEqual(red[1], red[2])
        for word in words:
            self.assertIn(word, red[1])
        self.assertNotRegex(said.stderr + said.stdout + said.error, "goroutine|panic|\\.go:[0-9]")
        self.assertFalse(said.displayed)

    def test_missing_checkpoint(self):
        self.sentence('notebook.Open("missing.pth")', "missing.pth")

    def test_text_as_checkpoint(self):
        self.sentence('notebook.Open("text.pth")', "text.pth")

    def test_missing_class_names(self):
        self.sentence(f'notebook.Open("{self.checkpoint}", notebook.ClassFile("names.txt"))', "names.txt")

    def test_unknown_engine(self):
        self.sentence(f'notebook.Open("{self.checkpoint}", notebook.Backend("abacus"))', "abacus")

    def test_folder_as_picture(self):
        self.sentence(f'notebook.Open("{self.checkpoint}").Explain("..")', "..")

    def test_text_as_picture(self):
        self.sentence('notebook.Picture("text.jpg").Show()', "text.jpg")

    def test_unknown_class_and_unwritable_figure(self):
        explain = f'notebook.Open("{self.checkpoint}").Explain("bunting.jpg")'
        self.sentence(explain + '.Heads("Dodo").Show()', "Dodo")
        self.sentence(explain + '.Save("nowhere/figure.png")', "nowhere")
        self.sentence(explain + '.Save("figure.doc")', ".doc")

    def test_the_compiler_speaks(self):
        said = ask(self.client, "%%\nnotebook.Opne(\"cub\")")
        self.assertFalse(said.ok)
        self.assertIn("Opne", said.error)
        said = ask(self.client, "%%\nfmt.Println(\"still here\")")
        self.assertEqual((said.ok, said.stdout), (True, "still here\n"))
