"""Runs a submission inside its confinement: submission.py DIRECTORY OUTPUT_BYTES.

DIRECTORY holds source.ipynb, gets executed.ipynb (written before each cell, so that what ran is there whatever comes),
and is where temporary files go. All cells run, also after one that failed. Exit code 3: more output than OUTPUT_BYTES.
"""

import os
import subprocess
import sys

import nbformat
from nbclient import NotebookClient

TOO_MUCH = 3


def prepare(directory):
    """A network with a loopback interface, and private places where bpflab, iproute2 and others keep what they make."""
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["mkdir", "-p", "/run/netns", "/run/bpflab"],
        ["mount", "-t", "tmpfs", "-o", "mode=755,size=1m", "netns", "/run/netns"],
        ["mount", "-t", "tmpfs", "-o", "mode=700,size=1m", "bpflab", "/run/bpflab"],
    ):
        subprocess.run(command, check=True)
    os.environ.update(TMPDIR=directory, HOME=directory, JUPYTER_RUNTIME_DIR=os.path.join(directory, "jupyter"), IPYTHONDIR=directory)
    os.chdir(directory)


def keep(notebook):
    """Whole or not at all: it may be ended at any time."""
    nbformat.write(notebook, "executed.new")
    os.replace("executed.new", "executed.ipynb")


class Client(NotebookClient):
    most = 0
    seen = 0

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "error", "update_display_data"):
            self.seen += len(str(msg["content"]))
            if self.seen > self.most:
                keep(self.nb)
                os._exit(TOO_MUCH)  # what reads the messages is a task that would be waited for
        return super().process_message(msg, cell, cell_index)


def main(directory, most):
    prepare(directory)
    notebook = nbformat.read("source.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = Client(
        notebook,
        timeout=None,
        kernel_name="bpflab",  # whatever its metadata name
        allow_errors=True,
        resources={"metadata": {"path": directory}},
        on_cell_execute=lambda **_: keep(notebook),
    )
    client.most = int(most)
    try:
        client.execute()
    finally:
        keep(notebook)


main(*sys.argv[1:])
