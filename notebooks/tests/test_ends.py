"""What the tests start ends with them, also where they are killed."""
import os
import pathlib
import signal
import subprocess
import sys
import unittest

from browser import wait

START = """
import os, time
import common
print(common.session("start")["pid"], os.environ["GOINTR_RUNTIME_DIR"], flush=True)
time.sleep(600)
"""


class Ends(unittest.TestCase):
    def test_killed_tests_leave_no_session(self):
        tests = subprocess.Popen([sys.executable, "-c", START], cwd=pathlib.Path(__file__).parent, stdout=subprocess.PIPE, text=True)
        with tests:
            pid, place = tests.stdout.readline().split()
            os.kill(tests.pid, signal.SIGKILL)
        wait(lambda: gone(int(pid)) and not os.path.exists(place), "the session to end", 60)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
