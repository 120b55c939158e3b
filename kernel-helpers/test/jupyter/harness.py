"""
A kernel process and a client for it, as a front end has them. JUPYTER_PATH names the kernelspec under test.

`harness.py [-v] cells_test variables_test` runs these files in one process.
"""

import os
import shutil
import sys
import tempfile
import time
import unittest

from jupyter_client.manager import KernelManager

TIMEOUT = 30


class Ran:
    """What one execute request caused: its reply and its messages on iopub, `idle` last."""

    def __init__(self, reply, messages):
        self.reply = reply["content"]
        self.messages = messages

    def of(self, kind):
        return [m["content"] for m in self.messages if m["msg_type"] == kind]

    def text(self, stream):
        return "".join(c["text"] for c in self.of("stream") if c["name"] == stream)

    @property
    def result(self):
        return self.of("execute_result")[0]["data"]["text/plain"]

    @property
    def error(self):
        return self.of("error")[0]

    @property
    def traceback(self):
        return "\n".join(self.error["traceback"])


class KernelTestCase(unittest.TestCase):
    """
    One kernel for all classes of the process, started in a directory outside of any project. `OwnKernelTestCase` is for
    those that restart theirs, begin in a directory that they have prepared, or declare what would be in others' way.
    """

    @classmethod
    def setUpClass(cls):
        if not hasattr(KernelTestCase, "km"):
            KernelTestCase.begin()

    @classmethod
    def begin(cls):
        cls.directory = tempfile.mkdtemp(prefix="bpflab-test-")
        cls.prepare()
        cls.start()

    @classmethod
    def prepare(cls):
        """Makes what the kernel is to find in its directory."""

    @classmethod
    def end(cls):
        cls.stop()
        shutil.rmtree(cls.directory)

    @classmethod
    def start(cls):
        cls.km = KernelManager(kernel_name="bpflab")
        cls.km.start_kernel(cwd=cls.directory)
        cls.kc = cls.km.client()
        cls.kc.start_channels()
        cls.kc.wait_for_ready(timeout=TIMEOUT)

    @classmethod
    def stop(cls):
        cls.kc.stop_channels()
        cls.km.shutdown_kernel(now=True)
        cls.km.cleanup_resources()

    def send(self, code, **options):
        return self.kc.execute(code, **{"allow_stdin": True, **options})

    def messages(self, parent, timeout=TIMEOUT):
        """Messages of one request up to its `idle`; what belongs to others is kept in `self.strays`."""
        found = []
        while True:
            message = self.kc.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != parent:
                self.strays.append(message)
                continue
            found.append(message)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return found

    def reply(self, parent, timeout=TIMEOUT):
        while True:
            message = self.kc.get_shell_msg(timeout=timeout)
            if message["parent_header"]["msg_id"] == parent:
                return message

    def finish(self, parent, timeout=TIMEOUT):
        messages = self.messages(parent, timeout)
        return Ran(self.reply(parent, timeout), messages)

    def run_cell(self, code, **options):
        return self.finish(self.send(code, **options))

    def wait_for_text(self, parent, text, timeout=TIMEOUT):
        """Waits until a running cell has written a text."""
        seen = ""
        while text not in seen:
            message = self.kc.get_iopub_msg(timeout=timeout)
            if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == parent:
                seen += message["content"]["text"]

    def wait_for_stray(self, kind, parent, timeout=TIMEOUT):
        """The next message of a kind that belongs to a cell that has ended."""
        deadline = time.monotonic() + timeout
        while True:
            for message in self.strays:
                if message["msg_type"] == kind and message["parent_header"].get("msg_id") == parent:
                    self.strays.remove(message)
                    return message["content"]
            self.strays.append(self.kc.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic())))

    def setUp(self):
        self.strays = []

    def assert_alive(self):
        self.assertEqual(self.run_cell("40 + 2").result, "42")


class OwnKernelTestCase(KernelTestCase):
    """One kernel for the tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.begin()

    @classmethod
    def tearDownClass(cls):
        cls.end()


def main():
    """Runs the test files that the command line names, or the one that calls it."""
    names = [one for one in sys.argv[1:] if not one.startswith("-")]
    try:
        unittest.main(module=None if names else "__main__", argv=["harness.py", *sys.argv[1:]])
    finally:
        if hasattr(KernelTestCase, "km"):
            KernelTestCase.end()


__all__ = ["KernelTestCase", "OwnKernelTestCase", "Ran", "TIMEOUT", "main", "os", "time", "unittest"]

if __name__ == "__main__":
    import harness  # the one whose classes the files extend

    harness.main()
