"""The explorer, driven by clicks and keys in Chromium, beside the raw maps of explain --out x.npz."""
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
    shape = eval(data[10:10 + length].decode(), {"__builtins__": {}})["shape"]
    values = struct.unpack(f"<{len(data[10 + length:]) // 4}f", data[10 + length:])
    _, heads, rows, cols = shape
    return shape, lambda layer, head, row, col: values[((layer * heads + head) * rows + row) * cols + col]


@unittest.skipUnless(browser.find(), "skipped: there is no Chromium here")
class Explorer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="gointr-explorer-")))
        (cls.folder / "names.txt").write_text("1 001.Wren\n2 002.<b>Sooty</b>_Albatross\n3 003.Crow\n4 004.Rook\n5 005.Jay\n")
        explain(cls.folder / "bird.html", "--classes", cls.folder / "names.txt")
        cls.maps = []
        for number in range(5):
            explain(cls.folder / f"{number}.npz", "--class", str(number))
            cls.maps.append(attention(cls.folder / f"{number}.npz"))
        out = subprocess.run([run.gointr, "predict", photo, "--checkpoint", checkpoint, "--backend", "go", "--json"], check=True, capture_output=True, text=True)
        cls.ranking = [c["class"] for c in json.loads(out.stdout)["top"]]
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=cls.folder)
        cls.asked = []

        class Server(http.server.ThreadingHTTPServer):
            def finish_request(self, request, client):
                cls.asked.append(client)
                super().finish_request(request, client)

        http.server.SimpleHTTPRequestHandler.log_message = lambda *_: None
        cls.server = Server(("127.0.0.1", 0), handler)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()

    def open(self, page, path="bird.html"):
        page.call("Page.enable")
        page.call("Page.addScriptToEvaluateOnNewDocument", source="window.problems = []; addEventListener('error', e => problems.push(e.message)); addEventListener('unhandledrejection', e => problems.push(String(e.reason)));")
        page.call("Page.navigate", url=f"http://127.0.0.1:{self.server.server_address[1]}/{path}")

    def ready(self, page):
        browser.wait(lambda: page.js("document.querySelectorAll('#views figure').length"), "the maps to be drawn", 20)

    def hover(self, page, view, row, col):
        rows, cols = self.maps[0][0][2:]
        x, y = page.js("""(([v, x, y]) => { const r = document.querySelectorAll('.picture')[v].getBoundingClientRect();
            return [r.x + r.width * x, r.y + r.height * y]; })(%s)""" % json.dumps([view, (col + .5) / cols, (row + .5) / rows]))
        page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="none")
        return x, y

    def key(self, page, key):
        for kind in ("keyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def table(self, page, name):
        return dict(page.js("[...document.querySelectorAll('#%s tr')].map(r => [...r.cells].map(c => c.textContent))" % name))

    def close(self, shown, number, place):
        """shown is the text of a number, rounded to three digits, of a map kept in 1000 steps."""
        shape, at = place
        largest = max(at(shape[0] - 1, h, r, c) for h in range(shape[1]) for r in range(shape[2]) for c in range(shape[3]))
        self.assertAlmostEqual(float(shown), number, delta=0.006 * abs(number) + 0.001 * largest)

    def test_numbers(self):
        with browser.Browser(1280, 900) as page:
            self.open(page)
            self.ready(page)
            best = self.ranking[0]
            shape, at = self.maps[best]
            layers, heads, rows, cols = shape
            row, col = rows // 3, cols // 2
            self.hover(page, 0, row, col)
            self.assertIn(f"Row {row + 1} of {rows}, column {col + 1} of {cols}", page.js("document.getElementById('where').textContent"))
            shown = self.table(page, "heads")
            self.assertEqual(len(shown), heads)
            for head in range(heads):
                self.close(shown[f"Head {head + 1}"], at(layers - 1, head, row, col), self.maps[best])

            # Another layer and one head, by clicks.
            page.click("#layers span", "1")
            page.click(".thumbs span", "Head 2")
            shown = self.table(page, "classes")
            self.assertEqual(len(shown), 5)
            names = page.js("[...document.querySelectorAll('#class option')].map(o => o.textContent)")
            for place, number in enumerate(self.ranking):
                name = names[place].rsplit("  ", 1)[0]
                self.close(shown[name], self.maps[number][1](0, 1, row, col), self.maps[number])
            self.assertIn("<b>Sooty</b> Albatross", shown)  # a name is text
            self.assertEqual(page.js("document.querySelectorAll('.thumbs [aria-pressed=true]')[0].textContent"), "Head 2")

            # Another class, by its name and Enter.
            page.js("document.getElementById('filter').focus()")
            page.call("Input.insertText", text="crow")
            self.assertEqual(page.js("document.querySelectorAll('#class option').length"), 1)
            for kind in ("keyDown", "keyUp"):
                page.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r" if kind == "keyDown" else "")
            self.assertEqual(page.js("document.querySelector('#views b').textContent"), "Crow")
            self.hover(page, 0, row, col)
            self.close(self.table(page, "heads")["Head 1"], self.maps[2][1](0, 0, row, col), self.maps[2])

            # Side by side, and the spot held by a click while the mouse goes on.
            page.js("(() => { const o = document.getElementById('other'); o.selectedIndex = 1 + [...o.options].slice(1).findIndex(x => x.textContent === 'Rook'); o.onchange(); })()")
            self.assertEqual(page.js("[...document.querySelectorAll('#views b')].map(b => b.textContent)"), ["Crow", "Rook"])
            x, y = self.hover(page, 1, row, col)
            for kind in ("mousePressed", "mouseReleased"):
                page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
            self.hover(page, 1, 0, 0)
            where = page.js("document.getElementById('where').textContent")
            self.assertIn(f"Row {row + 1} of", where)
            self.assertIn("(held)", where)
            said = dict(part.rsplit(" ", 1) for part in where.split(": ")[1].removesuffix(" (held)").split(", "))
            self.close(said["Rook"], self.maps[3][1](0, 1, row, col), self.maps[3])

            # By keys alone.
            page.js("document.querySelector('.picture').focus()")
            self.key(page, "Escape")
            self.key(page, "ArrowRight")
            self.key(page, "ArrowDown")
            self.assertIn(f"Row {row + 2} of {rows}, column {col + 2} of {cols}", page.js("document.getElementById('where').textContent"))
            self.assertEqual(page.js("problems"), [])

    def test_drawing(self):
        """The colours follow opacity, colours, smoothing and scale."""
        with browser.Browser(1000, 800) as page:
            self.open(page)
            self.ready(page)
            pixels = """(() => { const c = document.querySelector('.picture canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
                return [c.width, d[3], new Set(d.filter((_, i) => i % 4 === 0)).size]; })()"""
            rows, cols = self.maps[0][0][2:]
            width, alpha, _ = page.js(pixels)
            self.assertEqual((width % cols, alpha), (0, 153))
            page.js("(() => { const o = document.getElementById('opacity'); o.value = 100; o.oninput(); })()")
            self.assertEqual(page.js(pixels)[1], 255)
            page.click(".check", "smooth")
            self.assertEqual(page.js(pixels)[0], cols)
            page.js("(() => { const o = document.getElementById('colours'); o.value = 'gray'; o.onchange(); })()")
            grey = page.js("""(() => { const c = document.querySelector('.picture canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
                return [...Array(d.length / 4).keys()].every(i => d[4 * i] === d[4 * i + 1] && d[4 * i] === d[4 * i + 2]) && [Math.min(...d.filter((_, i) => i % 4 === 0)), Math.max(...d.filter((_, i) => i % 4 === 0))]; })()""")
            self.assertEqual(grey, [0, 255])
            page.click(".check", "one scale for all maps shown")
            scales = page.js("[...document.querySelectorAll('.scale span')].map(s => +s.textContent)")
            shape, at = self.maps[self.ranking[0]]
            every = [at(shape[0] - 1, h, r, c) for h in range(shape[1]) for r in range(rows) for c in range(cols)]
            self.assertAlmostEqual(scales[0], min(every), delta=0.006 * min(every) + 1e-7)
            self.assertAlmostEqual(scales[1], max(every), delta=0.006 * max(every))
            self.assertEqual(page.js("problems"), [])

    def test_themes(self):
        with browser.Browser(1000, 800) as page:
            for theme, expected in (("dark", "rgb(17, 17, 17)"), ("light", "rgb(255, 255, 255)")):
                page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
                self.open(page)
                self.ready(page)
                self.assertEqual(page.js("getComputedStyle(document.body).backgroundColor"), expected)

    def test_embedded(self):
        """In a notebook's page the frame takes the height it needs and the page's theme; nothing is fetched."""
        text = (self.folder / "bird.html").read_text()
        (self.folder / "notebook.html").write_text('<!DOCTYPE html><meta charset="utf-8"><body data-jp-theme-light="false"><iframe title="Attention explorer" style="width:100%;height:720px;border:0" srcdoc="' + html.escape(text) + '"></iframe></body>')
        with browser.Browser(1000, 800) as page:
            before = len(self.asked)
            self.open(page, "notebook.html")
            inside = "document.querySelector('iframe').contentDocument"
            browser.wait(lambda: page.js(f"{inside} && {inside}.querySelectorAll('#views figure').length"), "the frame to be drawn", 20)
            browser.wait(lambda: page.js(f"Math.abs(document.querySelector('iframe').clientHeight - {inside}.body.clientHeight)") <= 1, "the frame to fit", 10)
            self.assertNotEqual(page.js("document.querySelector('iframe').style.height"), "720px")
            self.assertEqual(page.js(f"{inside}.documentElement.className"), "dark")
            page.js("document.body.dataset.jpThemeLight = 'true'")
            browser.wait(lambda: page.js(f"{inside}.documentElement.className") == "", "the theme to follow", 5)
            time.sleep(0.3)
            self.assertLessEqual(len(self.asked) - before, 2)  # the page, and the icon that browsers ask for
            self.assertEqual(page.js("problems"), [])


if __name__ == "__main__":
    unittest.main()
