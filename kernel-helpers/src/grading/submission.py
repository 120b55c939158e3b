"""Runs a submission inside its confinement: submission.py DIRECTORY OUTPUT_BYTES FILE_BYTES HIDDEN...

DIRECTORY holds source.ipynb, and gets executed.ipynb (written before each cell, so that what ran is there whatever
comes). The submission finds an empty directory of FILE_BYTES in its place, for temporary files, and the machine's files
read-only, except for those HIDDEN. All cells run, also after one that failed. Exit code 3: more output than OUTPUT_BYTES.
"""

import os
import subprocess
import sys

import files
import nbformat
from nbclient import NotebookClient

TOO_MUCH = 3


def prepare(directory, size, hidden):
    """A network with a loopback interface, and files of its own. Returns a descriptor of the directory outside."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    outside = files.confine(directory, size, hidden)
    os.environ.update(TMPDIR=directory, HOME=directory, JUPYTER_RUNTIME_DIR=os.path.join(directory, "jupyter"), IPYTHONDIR=directory)
    os.chdir(directory)
    return outside


def keep(notebook, outside):
    """Whole or not at all: it may be ended at any time."""
    with open("executed.new", "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600, dir_fd=outside)) as file:
        nbformat.write(notebook, file)
    os.replace("executed.new", "executed.ipynb", src_dir_fd=outside, dst_dir_fd=outside)


class Client(NotebookClient):
    most = 0
    outside = -1
    seen = 0

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "error", "update_display_data"):
            self.seen += len(str(msg["content"]))
            if self.seen > self.most:
                keep(self.nb, self.outside)
                os._exit(TOO_MUCH)  # what reads the messages is a task that would be waited for
        return super().process_message(msg, cell, cell_index)


def main(directory, most, size, *hidden):
    notebook = nbformat.read(os.path.join(directory, "source.ipynb"), as_version=4)
    outside = prepare(directory, size, hidden)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = Client(
        notebook,
        timeout=None,
        kernel_name="bpflab",  # whatever its metadata name
        allow_errors=True,
        resources={"metadata": {"path": directory}},
        on_cell_execute=lambda **_: keep(notebook, outside),
    )
    client.most, client.outside = int(most), outside
    try:
        client.execute()
    finally:
        keep(notebook, outside)


main(*sys.argv[1:])
