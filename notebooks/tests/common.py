"""What the tests of the notebooks share. They need a set-up clone: make test."""
import atexit
import contextlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

notebooks = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(notebooks))
import run  # noqa: E402

for name in ("GOINTR_CHECKPOINT", "GOINTR_CLASSES", "GOINTR_IMAGE", "GOINTR_NOTE"):
    os.environ.pop(name, None)

# The tests have a session of their own. It ends with them, and so does everything else that they start, however they end.
place = tempfile.mkdtemp(prefix="gointr-tests-")
keeper = subprocess.Popen(
    ["sh", notebooks.parent / "internal" / "shared" / "keeper.sh", f"GOINTR_TEST_PROCESSES={place}", place],
    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
os.environ.update(GOINTR_TEST_PROCESSES=place, GOINTR_RUNTIME_DIR=place)


def session(verb):
    """What gointr session says."""
    out = subprocess.run([run.gointr, "session", verb, "--json"], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


@atexit.register
def end():
    keeper.stdin.close()
    keeper.wait()


def inputs():
    return run.golden() or run.fixture()


@contextlib.contextmanager
def folder():
    """A temporary folder with what lies beside the notebooks."""
    with tempfile.TemporaryDirectory(prefix="gointr-notebook-") as name:
        for file in ("demo.ipynb", "cub_classes.txt", "bunting.jpg", "bird.png"):
            shutil.copy(notebooks / file, name)
        yield pathlib.Path(name)


@contextlib.contextmanager
def kernel(cwd):
    """A started kernel "Go (GoINTR)": its manager and client."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="gointr")
    # GoNB 0.11.4 panics when it is stopped in the middle of a cell ("close of closed channel", after its work is done).
    manager.start_kernel(cwd=str(cwd), stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)


class Said:
    """What one cell said."""

    def __init__(self):
        self.stdout = self.stderr = self.error = ""
        self.displayed = []  # MIME bundles
        self.updated = []  # HTML that replaced what was displayed
        self.ok = False

    def hear(self, message):
        content = message["content"]
        match message["msg_type"]:
            case "stream":
                setattr(self, content["name"], getattr(self, content["name"]) + content["text"])
            case "display_data" | "execute_result":
                self.displayed.append(content["data"])
            case "update_display_data":
                self.updated.append(content["data"].get("text/html", ""))
            case "error":
                self.error += "\n".join([content["ename"], content["evalue"], *content["traceback"]])


def ask(client, code, timeout=300):
    said = Said()
    reply = client.execute_interactive(code, timeout=timeout, store_history=True, stop_on_error=False, output_hook=said.hear)
    said.ok = reply["content"]["status"] == "ok"
    return said


def colours(png):
    """Width, height and the set of colours of an 8-bit PNG."""
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and depth == 8 and kind in (2, 6) and not interlaced, "not a PNG of RGB or RGBA"
    size, at, packed = {2: 3, 6: 4}[kind], 8, b""
    while at < len(png):
        (length,), name = struct.unpack(">I", png[at:at + 4]), png[at + 4:at + 8]
        if name == b"IDAT":
            packed += png[at + 8:at + 8 + length]
        at += length + 12
    data, stride, found = zlib.decompress(packed), width * size, set()
    before = bytearray(stride)
    for y in range(height):
        how, line = data[y * (stride + 1)], bytearray(data[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride if how else 0):
            left, up, corner = (line[i - size], before[i], before[i - size]) if i >= size else (0, before[i], 0)
            if how == 1:
                line[i] = (line[i] + left) & 255
            elif how == 2:
                line[i] = (line[i] + up) & 255
            elif how == 3:
                line[i] = (line[i] + (left + up) // 2) & 255
            else:
                guess = left + up - corner
                near = min((left, up, corner), key=lambda v: abs(guess - v))
                line[i] = (line[i] + near) & 255
        found.update(line[i:i + 3].hex() for i in range(0, stride, size))
        before = line
    return width, height, found
