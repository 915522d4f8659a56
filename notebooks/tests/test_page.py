import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import unittest

import browser
from common import folder, inputs, run
from jupyter_server.serverapp import list_running_servers

FIGURE = "[...document.querySelectorAll('.jp-OutputArea img')].filter(i => i.complete && i.naturalWidth > 1500)"
ERRORS = "[...document.querySelectorAll('.jp-OutputArea-output[data-mime-type=\"application/vnd.jupyter.stderr\"]')].map(e => e.textContent)"


@contextlib.contextmanager
def lab(cwd, **env):
    """JupyterLab on a free port; gives the address of its page with the token."""
    token = secrets.token_hex(16)
    log = open(cwd / "lab.log", "w")
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1",
         f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={cwd}"],
        cwd=cwd, stdout=log, stderr=log, env={**os.environ, **env, "JUPYTER_CONFIG_DIR": str(cwd / "config"), "JUPYTER_RUNTIME_DIR": str(cwd / "runtime")})
    try:
        def server():
            if process.poll() is not None:
                raise RuntimeError("JupyterLab ended: " + (cwd / "lab.log").read_text())
            return next((s for s in list_running_servers(str(cwd / "runtime")) if s["pid"] == process.pid), None)

        address = browser.wait(server, "JupyterLab to start", 60)["url"]
        yield f"{address}lab/tree/demo.ipynb?token={token}"
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@unittest.skipUnless(browser.find(), "Chromium is not installed, so the page in JupyterLab is not looked at")
class Page(unittest.TestCase):
    def test_run_all_shows_the_figure(self):
        with folder() as f, lab(f, **inputs()) as address, browser.Browser() as page:
            try:
                page.call("Page.navigate", url=address)
                page.call("Page.bringToFront")
                browser.wait(lambda: page.js("document.querySelectorAll('.jp-Notebook .jp-CodeCell').length") or 0, "the notebook to open", 60)
                browser.wait(lambda: page.js("document.querySelector('#jp-main-statusbar').innerText.includes('Go (GoINTR) | Idle')"), "the kernel to be ready", 60)
                start = time.monotonic()
                page.click(".lm-MenuBar-itemLabel", "Run")
                page.click(".lm-Menu-itemLabel", "Run All Cells")
                browser.wait(lambda: page.js(FIGURE + ".length") or page.js(ERRORS + ".length"), "the figure to appear", 240)
                self.assertEqual(page.js(ERRORS), [])
                browser.wait(lambda: page.js("[...document.querySelectorAll('.jp-OutputArea-output')].some(e => e.textContent.includes('head 1 looked most'))"),
                             "the last cell to end", 120)
                print(f"all cells: {time.monotonic() - start:.1f} s")
                page.js(FIGURE + "[0].scrollIntoView({block: 'center'})")
                browser.wait(lambda: page.js(FIGURE + ".length"), "the figure to be in view", 30)
                shown = page.js(FIGURE + ".map(i => { const r = i.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; })[0]")
                text = page.js("document.querySelector('.jp-Notebook').innerText")
                errors = page.js(ERRORS)
            finally:
                page.screenshot(run.root / "out" / "page.png")
            left, top, right, bottom = shown
            self.assertTrue(0 <= left < right <= 1280 and 0 <= top < bottom <= 1000, f"the figure does not fit the page: {shown}")
            self.assertGreater(right - left, 700, "the figure is too small to see heads in")
            self.assertIn("Species predicted by INTR is: ", text)
            self.assertEqual(errors, [])
            saved = json.loads((f / "demo.ipynb").read_text())
            self.assertEqual(saved["metadata"]["kernelspec"]["name"], "gointr")
