"""Slips of newcomers, many of them of people who come from Python: each gives the sentence beside it."""
import contextlib
import re
import unittest

from common import ask, folder, kernel

HEAD = """import (
	"fmt"
	"os"
	"strings"

	"github.com/gointr/gointr/pkg/notebook"
)
var model = notebook.Open("sample")
var photo = "bird.png"
func nothing() {}
fmt.Println("ready")
"""

SLIPS = [  # a cell; what is said of it, from the start of a line of the error
    # names
    ("bird.Top(3)", "line 1: bird was made in cell 2 and is gone: every cell is a program of its own; var bird = … keeps it, or make it again here"),
    ("%%\nfish.Show()", "line 2: fish was made below %% in cell 3 and is gone: every cell is a program of its own; declare it above %%, or make it again here"),
    ("modle.Explain(photo)", "line 1: modle is not known: did you mean model?"),
    ("zebra", "line 1: zebra is not known here: declare it, or import the package it is from"),
    ("model.explain(photo)", "line 1: names of a package's types begin with a capital letter: model.Explain"),
    ("model.Explian(photo)", "line 1: model has no Explian: did you mean model.Explain?"),
    ("notebook.Opne(\"sample\")", "line 1: notebook has no Opne: did you mean notebook.Open?"),
    ("fmt.println(1)", "line 1: a package's names begin with a capital letter: fmt.Println"),
    ("model.Explain(bird.png)", 'line 1: the name of a file stands in quotes: "bird.png"'),
    ("x = 5", "line 1: x is not there yet: x := … makes it"),
    ("x := 1\nx := 2\nx", "line 2: x is there already: = gives it another value, := makes a new one"),
    ("y := 4", "line 1: y is made and not used, and gone after this cell: a last line y shows it, var y = … keeps it for the cells below"),
    ("z := 3\nfunc useZ() int { return z }\nuseZ()", "line 2: z is made by a statement of this cell, which functions do not see: var z = … declares it for all"),
    # Python
    ("model.Explain('bird.png')", "line 1: text stands in double quotes in Go: \"bird.png\", not 'bird.png'"),
    ("print('hello')", 'line 1: printing is fmt.Println("text"), with double quotes'),
    ("for x in range(3):\n    print(x)", "line 1: in Go: for _, x := range list { … }"),
    ("if photo == \"a\":\n    nothing()", "line 1: blocks stand in braces in Go: if x { … }, for x { … }"),
    ("def f(x):\n    return x", "line 1: functions are written func name(x int) int { … } in Go"),
    ("import numpy as np", 'line 1: imports name a package in quotes: import "fmt"; Python\'s packages are not to be had'),
    ("from gointr import notebook", 'line 1: imports name a package in quotes: import "github.com/gointr/gointr/pkg/notebook"'),
    ("# a comment", "line 1: comments begin with // in Go"),
    ("pip install numpy", "line 1: a shell's command begins with !: !pip install …"),
    ("ls", "line 1: a shell's command begins with !: !ls; %cd changes the folder"),
    ("model == None", "line 1: None is written nil in Go"),
    ("ok := True\nok", "line 1: True is written true in Go"),
    ("x := 2 ** 3\nx", "line 1: powers are math.Pow(x, 2) in Go"),
    ("names := [\"a\", \"b\"]", 'line 1: a list names its type: x := []string{"a", "b"}'),
    ("xs := []int{1, 2}\nxs[-1]", "line 2: -1 counts from the end in Python; in Go the last is x[len(x)-1]"),
    ("[x for x in names]", "line 1: Go has no comprehensions: for _, x := range list { out = append(out, f(x)) }"),
    ("f := lambda y: y + 1", "line 1: a function without a name: func(x int) int { return x + 1 }"),
    ("model.Explain(photo).Heads(\"Robin\", layer=2)", "line 1: Go has no arguments by name: options are functions, func(o *notebook.FigureOptions) { o.Layer = 2 }"),
    ("s := f\"{photo}\"", 'line 1: text with values in it: fmt.Sprintf("%d birds", n)'),
    ("if photo == \"a\" and photo == \"b\" {\n}", "line 1: and is && in Go, or is ||"),
    ("%matplotlib inline", "line 1: %matplotlib is Python's, and not needed: figures show themselves"),
    ("%evn A=b", "line 1: there is no %evn: did you mean %env?"),
    ("fmt.Println(“hello”)", "line 1: this is a typographer's quote: Go's is the straight one, \""),
    # Go
    ("model\n\t.Explain(photo)", "line 2: a line that goes on below ends with its dot: the dot stands at the end of the line above"),
    ("fmt.Println(\"a\" \"b\")", "line 1: a comma is missing between two arguments"),
    ("fmt.Println(\"a\"\nnothing()", "line 1: a bracket is not closed here, or a list goes on below without a comma at the end of its line"),
    ("for i := range 3 {\n\tfmt.Println(i)", "line 2: a bracket that was opened is not closed"),
    ("1 + 2\nnothing()", "line 1: 1 + 2 is a value alone: give it a name, return it, or fmt.Println it (only that of a last line is shown)"),
    ("n, m := 3, 2.5\nn * m", "line 2: n * m has numbers or values of two types, int and float64: Go takes them together only after a conversion, float64(x) say"),
    ("photo + 1", "line 1: photo + 1 puts text and something else together: fmt.Sprint(a, b) does that"),
    ("strings.Repeat(photo, \"3\")", 'line 1: "3" is text (string), and strings.Repeat takes a number (int)'),
    ("model.Explain()", "line 1: model.Explain takes more arguments than it is given here"),
    ("model.Explain(photo, 2)", "line 1: model.Explain takes fewer arguments than it is given here"),
    ("f := os.Open(photo)\nf", "line 1: os.Open gives 2 values, the second mostly an error: value, err := os.Open"),
    ("func add(a, b int) int {\n}", "line 2: this function ends without a return: every way through it must give its result"),
    ("if 1 {\n}", "line 1: if asks a bool: compare, x != 0 or len(x) > 0 say"),
    # while it runs
    ("xs := []int{1, 2, 3}\ni := 5\nxs[i]", "line 3: index 5 is asked of a list of 3: the first is 0, the last len(x)-1"),
    ("var counts map[string]int\ncounts[\"a\"] = 1", "line 2: a map is written to that was not made: x := map[string]int{}"),
    ("a := 0\n1 / a", "line 2: a whole number is divided by 0"),
    ("model.Explain(photo).Heads(\"Plumed Buntin\").Show()", 'no class is named "Plumed Buntin": did you mean "Plumed Bunting"?'),
    ("os.ReadFile(\"nowhere\")", "open nowhere: no such file or directory"),
]


class Slips(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        f = stack.enter_context(folder())
        _, cls.client = stack.enter_context(kernel(f))
        for code in (HEAD, "bird := model.Explain(photo)\nbird.Sentence()", "%%\nfish := model.Explain(photo)\nfmt.Println(fish.Best().Index)"):
            said = ask(cls.client, code)
            assert said.ok, said.__dict__

    def test_each_gives_its_sentence(self):
        self.assertGreaterEqual(len(SLIPS), 40)
        for code, want in SLIPS:
            with self.subTest(code=code):
                said = ask(self.client, code)
                self.assertFalse(said.ok)
                name, value, shown = said.error.split("\n", 2)
                shown = re.sub("\x1b\\[[0-9;]*m", "", shown)
                self.assertEqual(shown.split("\n")[0][:len(want)], want)
                self.assertIn(value, shown, "the sentence is what other programs are told")
                self.assertEqual(said.stderr, "")
                self.assertNotRegex(shown, r"gonb_|/tmp/|goroutine|\.go:[0-9]|exit status|main\.go")
                lines = [line.strip(" ^") for line in shown.split("\n") if line.strip()]
                self.assertEqual(len(lines), len(set(lines)), f"a line is there twice: {shown}")

    def test_values_are_shown(self):
        for code, want in (("1 + 2", "3\n"), ("photo", "bird.png\n"), ("[]string{\"a\", \"b\"}", '["a" "b"]\n'), ("nothing()", ""), ("len(photo)", "8\n"),
                           ("x := 3\nx * x", "9\n"), ("strings.ToUpper(photo)", "BIRD.PNG\n"), ("fmt.Println(7)", "7\n"), ("true", "true\n")):
            with self.subTest(code=code):
                said = ask(self.client, code)
                self.assertEqual((said.ok, said.stdout, said.stderr), (True, want, ""), said.error)

    def test_an_explanation_shows_its_sentence_and_its_figure_and_a_table_itself(self):
        said = ask(self.client, "model.Explain(photo)")
        self.assertTrue(said.ok, said.error)
        self.assertIn("Bunting", said.stdout)
        self.assertEqual([sorted(d) for d in said.displayed], [["image/png", "text/plain"]])
        said = ask(self.client, "model.Explain(photo).Top(2)")
        self.assertEqual([sorted(d) for d in said.displayed], [["text/html", "text/plain"]], said.error)
        said = ask(self.client, "model.Explain(photo).Top(2).Show()")
        self.assertEqual(len(said.displayed), 1, "what shows itself is shown once")

    def test_text_and_pictures_keep_their_order(self):
        order = []
        code = "bird := model.Explain(photo)\nfor i := range 6 {\n\tfmt.Println(\"table\", i)\n\tbird.Top(i + 1).Show()\n}\nfmt.Println(\"end\")"

        def hear(message):
            content = message["content"]
            if message["msg_type"] == "stream":
                order.extend(content["text"].split("\n")[:-1])
            elif message["msg_type"] == "display_data":
                order.append(content["data"]["text/plain"].count("\n"))
        self.client.execute_interactive(code, timeout=300, output_hook=hear)
        self.assertEqual(order, [x for i in range(6) for x in (f"table {i}", i + 1)] + ["end"])

    def test_cells_behind_one_that_failed_are_not_run(self):
        ids = [self.client.execute(code) for code in ("os.Exit(3)", "fmt.Println(\"not me\")", "fmt.Println(\"nor me\")")]
        states = {}
        while len(states) < 3:
            reply = self.client.get_shell_msg(timeout=60)
            states[reply["parent_header"]["msg_id"]] = reply["content"]["status"]
        self.assertEqual([states[i] for i in ids], ["error", "aborted", "aborted"])
        said = ask(self.client, "fmt.Println(\"me\")")
        self.assertEqual((said.ok, said.stdout), (True, "me\n"))
