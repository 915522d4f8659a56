import os
import time
import unittest

import psutil

from common import ask, folder, kernel

ENDLESS = """import (
	"fmt"
	"os"
	"os/exec"
	"time"
)
%%
sleep := exec.Command("sleep", "1000") // a cell may have started programs of its own
sleep.Start()
fmt.Println("pid", os.Getpid(), sleep.Process.Pid, os.TempDir())
time.Sleep(time.Hour)
"""


def wait_until(test, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if test():
            return True
        time.sleep(0.05)
    return False


def running(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


class Kernel(unittest.TestCase):
    def begin(self, client):
        """Starts a cell without an end; gives its process's id, that of a program it started, and its temporary folder."""
        message = client.execute(ENDLESS)
        while True:
            heard = client.get_iopub_msg(timeout=180)
            if heard["parent_header"].get("msg_id") == message and heard["msg_type"] == "stream" and heard["content"]["text"].startswith("pid "):
                _, cell, other, temporary = heard["content"]["text"].split()
                return int(cell), int(other), temporary

    def test_an_interrupted_cell_ends_and_the_next_one_works(self):
        with folder() as f, kernel(f) as (manager, client):
            cell, _, _ = self.begin(client)
            manager.interrupt_kernel()
            self.assertTrue(wait_until(lambda: not running(cell)), "the cell runs on")
            said = ask(client, '%%\nfmt.Println("next")')
            self.assertEqual((said.ok, said.stdout), (True, "next\n"))

    def test_a_restarted_or_stopped_kernel_leaves_no_process(self):
        for now in (False, True):
            with self.subTest(now=now), folder() as f, kernel(f) as (manager, client):
                cell, other, temporary = self.begin(client)
                family = [p.pid for p in psutil.Process(manager.provisioner.pid).children(recursive=True)] + [manager.provisioner.pid]
                self.assertLessEqual({cell, other}, set(family))
                self.assertTrue(os.path.isdir(temporary))
                manager.restart_kernel(now=now)
                left = lambda: [p for p in family if running(p)]  # noqa: E731
                self.assertTrue(wait_until(lambda: not left()), f"left behind: {[psutil.Process(p).cmdline() for p in left()]}")
                self.assertTrue(wait_until(lambda: not os.path.exists(temporary)), "its temporary files stay")

    def test_state_stays_in_files_and_declarations(self):
        with folder() as f, kernel(f) as (_, client):
            said = ask(client, 'import "os"\nfunc twice(n int) int { return 2 * n }\n%%\nos.WriteFile("kept.txt", []byte("kept"), 0o644)')
            self.assertTrue(said.ok, said.stderr)
            said = ask(client, '%%\nkept, _ := os.ReadFile("kept.txt")\nfmt.Println(twice(21), string(kept))')
            self.assertEqual((said.ok, said.stdout), (True, "42 kept\n"), said.stderr)
            self.assertTrue(os.path.exists(f / "kept.txt"), "cells run in the notebook's folder")
