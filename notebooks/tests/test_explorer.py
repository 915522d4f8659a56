"""The explorer, driven by clicks and keys in Chromium, beside the raw maps of explain --out x.npz."""
import ast
import functools
import html
import http.server
import json
import pathlib
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import zipfile

import browser
from common import run

checkpoint = run.root / "pkg" / "intr" / "testdata" / "basic.pth"
photo = run.here / "bunting.jpg"


def explain(out, *more):
    subprocess.run([run.gointr, "explain", photo, "--checkpoint", checkpoint, "--backend", "go", "--out", out, *more], check=True, capture_output=True)


def attention(path):
    """attention [layers, heads, rows, columns] of an .npz as a function of four numbers."""
    with zipfile.ZipFile(path) as z:
        data = z.read("attention.npy")
    length = struct.unpack("<H", data[8:10])[0]
    shape = ast.literal_eval(data[10:10 + length].decode())["shape"]
    values = struct.unpack(f"<{len(data[10 + length:]) // 4}f", data[10 + length:])
    _, heads, rows, cols = shape
    return shape, lambda layer, head, row, col: values[((layer * heads + head) * rows + row) * cols + col]


@unittest.skipUnless(browser.find(), "Chromium is not installed, so the explorer is not driven")
class Explorer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="gointr-explorer-")))
        (cls.folder / "names.txt").write_text("1 001.Wren\n2 002.<b>Sooty</b>_Albatross\n3 003.Crow\n4 004.Rook\n5 005.Jay\n")
        explain(cls.folder / "bird.html", "--classes", cls.folder / "names.txt")
        cls.names = ["Wren", "<b>Sooty</b> Albatross", "Crow", "Rook", "Jay"]
        cls.maps = []
        for number in range(5):
            explain(cls.folder / f"{number}.npz", "--class", str(number))
            cls.maps.append(attention(cls.folder / f"{number}.npz"))
        out = subprocess.run([run.gointr, "predict", photo, "--checkpoint", checkpoint, "--backend", "go", "--json"], check=True, capture_output=True, text=True)
        cls.ranking = [c["class"] for c in json.loads(out.stdout)["top"]]
        cls.asked = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                cls.asked.append(self.path)
                super().do_GET()

            def log_message(self, *_):
                pass

        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=cls.folder))
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def open(self, page, path="bird.html", before=""):
        page.call("Page.enable")
        page.call("Page.addScriptToEvaluateOnNewDocument", source=before + """window.problems = [];
            console.error = (...words) => problems.push(words.join(" "));
            addEventListener("error", e => problems.push(e.message));
            addEventListener("unhandledrejection", e => problems.push(String(e.reason)));""")
        page.call("Page.navigate", url=f"http://127.0.0.1:{self.server.server_address[1]}/{path}")

    def ready(self, page):
        browser.wait(lambda: page.js("document.querySelectorAll('#views figure').length"), "the maps to be drawn", 20)

    def calm(self, page):
        """Nothing went wrong and nothing was asked for."""
        self.assertEqual(page.js("problems"), [])
        self.assertEqual(page.js("performance.getEntriesByType('resource').map(r => r.name)"), [])

    def hover(self, page, view, row, col):
        rows, cols = self.maps[0][0][2:]
        x, y = page.js("""(([v, x, y]) => { const r = document.querySelectorAll('.picture')[v].getBoundingClientRect();
            return [r.x + r.width * x, r.y + r.height * y]; })(%s)""" % json.dumps([view, (col + .5) / cols, (row + .5) / rows]))
        page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="none")
        return x, y

    def press(self, page, key, code=0, text=""):
        page.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, text=text)
        page.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def where(self, page):
        """The spot, and the weight there of every class shown."""
        spot, *lines = page.js("document.getElementById('where').firstChild.textContent").split("\n")
        return spot, dict(line.split(": ") for line in lines)

    def ranked(self, page, part, table=0):
        """A table of weights: (place, name, weight) from the greatest to the least."""
        lines = page.js("[...document.querySelectorAll('#%s table')[%d].rows].map(r => [...r.cells].map(c => c.textContent))" % (part, table))
        weights = [float(weight) for _, _, weight in lines]
        self.assertEqual(weights, sorted(weights, reverse=True))
        self.assertEqual([place for place, _, _ in lines], [str(i + 1) for i in range(len(lines))])
        return {name: weight for _, name, weight in lines}

    def close(self, shown, number, layer, head, row, col):
        """shown is the weight of a class (its number) there, in three digits and within 0.1 % of the map's greatest; head -1 is the mean."""
        (_, heads, rows, cols), at = self.maps[number]
        chosen = range(heads) if head < 0 else [head]
        weight = sum(at(layer, h, row, col) for h in chosen) / len(chosen)
        largest = max(at(layer, h, r, c) for h in chosen for r in range(rows) for c in range(cols))
        self.assertAlmostEqual(float(shown), weight, delta=0.005 * weight + 0.001 * largest)

    def test_numbers(self):
        with browser.Browser(1280, 900) as page:
            self.open(page)
            self.ready(page)
            best = self.ranking[0]
            layers, heads, rows, cols = self.maps[best][0]
            self.assertEqual(page.js("document.getElementById('class').selectedIndex"), 0)

            # At first the spot is where the predicted class looks most.
            at = self.maps[best][1]
            mean = {(r, c): sum(at(layers - 1, h, r, c) for h in range(heads)) for r in range(rows) for c in range(cols)}
            row, col = max(mean, key=mean.get)
            self.assertEqual(self.where(page)[0], f"Row {row + 1}, column {col + 1}")

            # The mean of the heads, and each head.
            row, col = rows // 3, cols // 2
            self.hover(page, 0, row, col)
            spot, shown = self.where(page)
            self.assertEqual(spot, f"Row {row + 1}, column {col + 1}")
            self.close(shown[self.names[best]], best, layers - 1, -1, row, col)
            shown = self.ranked(page, "heads")
            self.assertEqual(len(shown), heads)
            for head in range(heads):
                self.close(shown[f"Head {head + 1}"], best, layers - 1, head, row, col)
            shown = self.ranked(page, "classes")
            for number in range(5):
                self.close(shown[self.names[number]], number, layers - 1, -1, row, col)

            # Another layer and one head, by clicks.
            page.click("#layers span", "1")
            page.click(".thumbs span", "Head 2")
            self.assertEqual(page.js("document.querySelector('figcaption span').textContent"), "layer 1, head 2")
            self.assertEqual(page.js("[...document.querySelectorAll('.thumbs [aria-pressed=true]')].map(b => b.textContent)"), ["Head 2"])
            shown = self.ranked(page, "classes")
            self.assertEqual(len(shown), 5)
            for number in range(5):
                self.close(shown[self.names[number]], number, 0, 1, row, col)

            # Another class, by a click in the list, then by its name and Enter.
            option = page.js("[...document.querySelectorAll('#class option')].map(o => o.textContent).find(t => t.startsWith(%s))" % json.dumps(self.names[1]))
            page.click("#class option", option)
            self.assertEqual(page.js("document.querySelector('#views b').textContent"), self.names[1])
            self.close(self.where(page)[1][self.names[1]], 1, 0, 1, row, col)
            page.js("document.getElementById('filter').focus()")
            page.call("Input.insertText", text="crow")
            self.assertEqual(page.js("document.querySelectorAll('#class option').length"), 1)
            self.press(page, "Enter", 13, "\r")
            self.assertEqual(page.js("document.querySelector('#views b').textContent"), "Crow")
            self.close(self.ranked(page, "heads")["Head 1"], 2, 0, 0, row, col)

            # Side by side by keys, and the spot held by a click while the mouse goes on.
            page.js("document.getElementById('other').focus()")
            for letter in "Rook":
                self.press(page, letter, ord(letter.upper()), letter)
            self.assertEqual(page.js("[...document.querySelectorAll('#views b')].map(b => b.textContent)"), ["Crow", "Rook"])
            x, y = self.hover(page, 1, row + 1, col)
            for kind in ("mousePressed", "mouseReleased"):
                page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
            self.hover(page, 1, 0, 0)
            spot, shown = self.where(page)
            self.assertEqual(spot, f"Row {row + 2}, column {col + 1} (held)")
            self.assertEqual(list(shown), ["Crow", "Rook"])
            for number, table in ((2, 0), (3, 1)):
                self.close(shown[self.names[number]], number, 0, 1, row + 1, col)
                self.close(self.ranked(page, "heads", table)["Head 1"], number, 0, 0, row + 1, col)
            self.calm(page)

    def test_keys(self):
        """By keys alone, from one control to the next; every one of them has a name, a role and a visible focus."""
        with browser.Browser(1280, 900) as page:
            self.open(page)
            self.ready(page)
            best = self.ranking[0]
            layers, heads, rows, cols = self.maps[best][0]
            stops = []
            for _ in range(40):
                self.press(page, "Tab", 9)
                stop = page.js("(e => e === document.body ? '' : e.id || e.classList[0] || e.name || e.textContent)(document.activeElement)")
                if not stop:
                    break
                stops.append(stop)
                drawn = "(e => getComputedStyle(e.type === 'radio' ? e.nextSibling : e).outlineStyle)(document.activeElement)"
                self.assertEqual(page.js(drawn), "solid", f"the focus on {stop!r} is not to be seen")
            self.assertEqual(stops, ["filter", "class", "other", "layer", "opacity", "colours", "smooth", "same", "over", "Mean"] + [f"Head {h + 1}" for h in range(heads)])

            page.js("document.getElementById('class').focus()")
            self.press(page, "ArrowDown", 40)
            second = self.ranking[1]
            self.assertEqual(page.js("document.querySelector('#views b').textContent"), self.names[second])
            page.js("document.querySelector('#layers input:checked').focus()")
            self.press(page, "ArrowLeft", 37)
            self.assertIn(f"layer {layers - 1}, mean of {heads} heads", page.js("document.querySelector('figcaption').textContent"))
            page.js("document.querySelectorAll('.thumbs button')[1].focus()")
            self.press(page, "Enter", 13, "\r")
            self.assertIn("head 1", page.js("document.querySelector('figcaption').textContent"))

            self.hover(page, 0, 3, 4)
            page.js("document.querySelector('.picture').focus()")
            self.press(page, "ArrowRight")
            self.press(page, "ArrowDown")
            self.press(page, "Enter", 13)
            spot, shown = self.where(page)
            self.assertEqual(spot, "Row 5, column 6 (held)")
            self.close(shown[self.names[second]], second, layers - 2, 0, 4, 5)
            self.press(page, "Escape")
            for _ in range(cols + 1):
                self.press(page, "ArrowLeft")
            self.assertEqual(self.where(page)[0], "Row 5, column 1")
            self.assertRegex(page.js("document.querySelector('#where .heard').textContent"), r"Most: Head \d with [\d.]+, .+ with [\d.]+\.")

            nameless = [n["role"]["value"] for n in page.call("Accessibility.getFullAXTree")["nodes"] if not n["ignored"] and not n.get("name", {}).get("value")
                        and n["role"]["value"] in ("button", "searchbox", "listbox", "combobox", "radio", "radiogroup", "slider", "checkbox", "application", "option", "group", "image", "form", "complementary")]
            self.assertEqual(nameless, [])
            self.calm(page)

    def test_drawing(self):
        """The colours follow opacity, colours, smoothing and scale."""
        with browser.Browser(1000, 800) as page:
            self.open(page)
            self.ready(page)
            rows, cols = self.maps[0][0][2:]
            canvas = "document.querySelector('.picture canvas')"
            pixels = f"(c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data])({canvas})"
            self.assertEqual(page.js(f"[{canvas}.width % {cols}, {canvas}.width > {cols}, getComputedStyle({canvas}).opacity]"), [0, True, "0.66"])
            faded = page.js(pixels)
            for value, alpha in zip(faded[0::4], faded[3::4]):  # a veil, thin where the weight is
                if alpha > 60:  # of less a browser gives no exact colour back
                    self.assertAlmostEqual(value, 238, delta=3)
            self.assertLess(min(faded[3::4]), 20)
            self.assertGreater(max(faded[3::4]), 200)
            page.js("document.getElementById('opacity').focus()")
            self.press(page, "End", 35)
            self.assertEqual(page.js(f"getComputedStyle({canvas}).opacity"), "1")
            page.click(".check", "smooth between cells")
            self.assertEqual(page.js(f"[{canvas}.width, {canvas}.height]"), [cols, rows])
            page.js("document.getElementById('colours').focus()")
            for letter in "gray":
                self.press(page, letter, ord(letter.upper()), letter)
            (layers, heads, _, _), at = self.maps[self.ranking[0]]
            mean = [sum(at(layers - 1, h, r, c) for h in range(heads)) / heads for r in range(rows) for c in range(cols)]
            data = page.js(pixels)
            self.assertEqual(data[0::4], data[1::4])
            self.assertEqual(data[0::4], data[2::4])
            self.assertEqual(set(data[3::4]), {255})
            for grey, weight in zip(data[0::4], mean):  # the map, from its least to its greatest weight
                self.assertAlmostEqual(grey, 255 * (weight - min(mean)) / (max(mean) - min(mean)), delta=2)
            page.click(".check", "one scale for all maps shown")
            low, high = page.js("[...document.querySelectorAll('.scale span')].map(s => +s.textContent)")
            every = [at(layers - 1, h, r, c) for h in range(heads) for r in range(rows) for c in range(cols)]
            self.assertAlmostEqual(low, min(every), delta=0.005 * min(every))
            self.assertAlmostEqual(high, max(every), delta=0.005 * max(every))
            for grey, weight in zip(page.js(pixels)[0::4], mean):
                self.assertAlmostEqual(grey, 255 * (weight - min(every)) / (max(every) - min(every)), delta=2)
            self.calm(page)

    def test_first(self):
        """The flags of explain say what the page shows first."""
        explain(self.folder / "first.html", "--classes", self.folder / "names.txt", "--class", "Rook", "--layer", "0", "--colormap", "magma", "--opacity", "0.3", "--smoothing", "cells", "--same-scale")
        with browser.Browser(1000, 800) as page:
            self.open(page, "first.html")
            self.ready(page)
            self.assertEqual(page.js("document.querySelector('#views b').textContent"), "Rook")
            self.assertIn("layer 1", page.js("document.querySelector('figcaption').textContent"))
            self.assertEqual(page.js("['opacity', 'colours'].map(id => document.getElementById(id).value)"), ["30", "magma"])
            self.assertEqual(page.js("['smooth', 'same'].map(id => document.getElementById(id).checked)"), [False, True])
            self.assertEqual(page.js("getComputedStyle(document.querySelector('.picture canvas')).opacity"), "0.3")
            self.calm(page)

    def test_flat(self):
        """Maps that are too flat to be stretched are said to be, and leave the picture as it is."""
        text = (self.folder / "bird.html").read_text()
        self.assertEqual(text.count('"flatness":0.0001'), 1)
        (self.folder / "flat.html").write_text(text.replace('"flatness":0.0001', '"flatness":1'))
        with browser.Browser(1000, 800) as page:
            self.open(page, "flat.html")
            self.ready(page)
            self.assertRegex(page.js("document.querySelector('figcaption').textContent"), r"mean of \d heads: flat, every cell has [\d.]+$")
            self.assertEqual(page.js("document.querySelector('.thumbs button:last-child').textContent.endsWith(', flat')"), True)
            self.assertEqual(page.js("[...document.querySelectorAll('.over canvas')].every(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.every(v => v === 0))"), True)
            self.calm(page)

    def test_lacking(self):
        """A class without maps is named, with its probability, and the page says what it lacks."""
        data = json.loads((self.folder / "bird.html").read_text().split('id="data">')[1].split("</script>")[0])
        before = json.dumps(data)
        lost = data["kept"].index(self.ranking[-1])
        del data["kept"][lost], data["maps"][lost]
        text = (self.folder / "bird.html").read_text()
        start, end = text.index('id="data">') + 10, text.index("</script>")
        self.assertNotEqual(json.dumps(data), before)
        (self.folder / "less.html").write_text(text[:start] + json.dumps(data).replace("<", "\\u003c") + text[end:])
        with browser.Browser(1000, 800) as page:
            self.open(page, "less.html")
            self.ready(page)
            self.assertIn("5 classes, 4 of them with maps in this page", page.js("document.getElementById('facts').textContent"))
            self.assertEqual(page.js("[...document.querySelectorAll('#class optgroup')].map(g => [g.label, g.disabled, g.children.length])"),
                             [["4 with maps", False, 4], ["1 without maps in this page", True, 1]])
            name = self.names[self.ranking[-1]]
            page.js("document.getElementById('filter').focus()")
            page.call("Input.insertText", text=name)
            self.press(page, "Enter", 13, "\r")
            self.assertEqual(page.js("document.getElementById('missing').textContent"), f"The maps of {name} are not in this page.")
            page.call("Input.insertText", text="?")
            self.assertEqual(page.js("document.getElementById('missing').textContent"), "No class has that in its name.")
            self.assertEqual(len(self.ranked(page, "classes")), 4)
            self.calm(page)

    def test_mishaps(self):
        """One sentence without the browser's help, without scripts, and where the page is damaged."""
        with browser.Browser(1000, 800) as page:
            self.open(page, before="delete window.DecompressionStream;")
            said = browser.wait(lambda: page.js("document.getElementById('message')?.textContent"), "a sentence", 10)
            self.assertIn("This browser cannot unpack the maps", said)
            self.assertEqual(page.js("document.getElementById('message').getClientRects().length && document.getElementById('page').hidden"), True)
        with browser.Browser(1000, 800) as page:
            page.call("Emulation.setScriptExecutionDisabled", value=True)
            page.call("Page.navigate", url=f"http://127.0.0.1:{self.server.server_address[1]}/bird.html")
            words = lambda: [n["name"]["value"] for n in page.call("Accessibility.getFullAXTree")["nodes"] if n["role"]["value"] == "StaticText"]
            self.assertEqual(browser.wait(words, "a sentence", 10), ["This page draws its maps with JavaScript, which is switched off here."])
        text = (self.folder / "bird.html").read_text()
        (self.folder / "damaged.html").write_text(text.replace('"maps":["H4sI', '"maps":["H4sJ'))
        with browser.Browser(1000, 800) as page:
            self.open(page, "damaged.html")
            said = browser.wait(lambda: page.js("document.getElementById('message')?.textContent"), "a sentence", 10)
            self.assertIn("This page is damaged", said)

    def test_themes(self):
        with browser.Browser(1000, 800) as page:
            for theme, expected in (("dark", "rgb(17, 17, 17)"), ("light", "rgb(255, 255, 255)")):
                page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
                self.open(page)
                self.ready(page)
                self.assertEqual(page.js("getComputedStyle(document.body).backgroundColor"), expected)
                ratios = page.js("""(() => {
                    const light = c => { const v = c.match(/[\\d.]+/g).map(x => x / 255).map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4); return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
                    const page = light(getComputedStyle(document.body).backgroundColor);
                    return ['h1', '#facts', '#where', '.small', 'caption', 'td', 'figcaption b', '.scale span', 'legend', '.check'].map(s => {
                        const ink = light(getComputedStyle(document.querySelector(s)).color);
                        return (Math.max(ink, page) + 0.05) / (Math.min(ink, page) + 0.05); });
                })()""")
                self.assertGreaterEqual(min(ratios), 4.5)  # WCAG 2, level AA

    def test_narrow(self):
        """Nothing is wider than the page, and the spot is beside the picture as in a notebook."""
        for width in (1280, 900, 700, 400):
            with browser.Browser(width, 800) as page:
                self.open(page)
                self.ready(page)
                page.js("(o => { o.selectedIndex = 2; o.onchange(); })(document.getElementById('other'))")
                self.assertLessEqual(page.js("document.documentElement.scrollWidth"), width)
                edges = page.js("['#views', '#spot'].map(s => document.querySelector(s).getBoundingClientRect()).map(r => [r.left, r.top, r.right])")
                if width >= 700:
                    self.assertGreater(edges[0][2] - edges[0][0], width / 2)
                    self.assertLessEqual(edges[0][2], edges[1][0])
                    self.assertEqual(edges[0][1], edges[1][1])

    def test_embedded(self):
        """In a notebook's page the frame takes the height it needs and the page's theme; nothing is fetched."""
        frame = '<iframe title="Attention explorer" style="width:100%;height:720px;border:0" srcdoc="' + html.escape((self.folder / "bird.html").read_text()) + '"></iframe>'
        inside = "document.querySelector('iframe')?.contentDocument"
        drawn = f"{inside} && {inside}.querySelectorAll('#views figure').length"
        colour = f"{inside}.defaultView.getComputedStyle({inside}.body).backgroundColor"
        for host, attributes, dark, page_colour in (
                ("JupyterLab", 'data-jp-theme-light="false" style="background: rgb(20, 21, 22)"', True, "rgb(20, 21, 22)"),
                ("JupyterLab, light", 'data-jp-theme-light="true"', False, "rgb(255, 255, 255)"),
                ("VS Code", 'data-vscode-theme-kind="vscode-dark"', True, "rgb(17, 17, 17)"),
                ("VS Code, contrast", 'data-vscode-theme-kind="vscode-high-contrast"', True, "rgb(17, 17, 17)"),
                ("VS Code, light", 'data-vscode-theme-kind="vscode-high-contrast-light"', False, "rgb(255, 255, 255)"),
                ("a dark page", 'style="background: rgb(1, 2, 3)"', True, "rgb(1, 2, 3)"),
                ("an exported page", "", False, "rgb(255, 255, 255)")):
            with self.subTest(host), browser.Browser(1000, 800) as page:
                (self.folder / "notebook.html").write_text(f'<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,"><body {attributes}>{frame}</body>')
                page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light" if dark else "dark"}])
                self.asked.clear()
                self.open(page, "notebook.html")
                browser.wait(lambda: page.js(drawn), "the frame to be drawn", 20)
                browser.wait(lambda: page.js(f"Math.abs(document.querySelector('iframe').clientHeight - {inside}.body.clientHeight)") <= 1, "the frame to fit", 10)
                self.assertNotEqual(page.js("document.querySelector('iframe').style.height"), "720px")
                self.assertEqual(page.js(f"[{inside}.documentElement.className, {colour}]"), ["dark" if dark else "", page_colour])
                if host == "JupyterLab":
                    page.js("document.body.style.background = 'rgb(250, 250, 250)'; document.body.dataset.jpThemeLight = 'true'")
                    browser.wait(lambda: page.js(f"{inside}.documentElement.className") == "", "the theme to follow", 5)
                    self.assertEqual(page.js(colour), "rgb(250, 250, 250)")
                time.sleep(0.3)
                self.assertEqual(self.asked, ["/notebook.html"])
                self.calm(page)
                self.assertEqual(page.js(f"{inside}.defaultView.performance.getEntriesByType('resource').length"), 0)


if __name__ == "__main__":
    unittest.main()
