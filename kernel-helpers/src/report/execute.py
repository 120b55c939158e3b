"""Runs a notebook with nbclient: execute.py IN OUT DIRECTORY ABOUT.

Writes the notebook to OUT with whatever outputs it has by then, and says what goes on, one JSON object a line:
{"event": "start", "cell": n, "of": n}, {"event": "done", "cell": n, "seconds": s}, and when a cell fails or the
kernel does {"event": "error", "cell": n, "line": n or null, "ename": ..., "evalue": ...}. Cells are counted as Jupyter's prompts
count them: those with code, from 1; 0 is before the first. Exit code 0 also when a cell failed. ABOUT is JSON that
the notebook's metadata get as "bpflab", for the page's cover.
"""

import json
import re
import sys
import time

import nbformat
from nbclient import NotebookClient


def tell(**facts):
    print(json.dumps(facts), flush=True)


def failing_line(notebook, number):
    """The line in the cell, which the kernel's traceback marks; None when that is the line of another cell."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                traceback = "\n".join(output.traceback)
                marked, elsewhere = re.search(r"^> *(\d+) \|", traceback, re.MULTILINE), re.search(r"^Cell \[(\d+)\]", traceback, re.MULTILINE)
                return int(marked.group(1)) if marked and not (elsewhere and int(elsewhere.group(1)) != number) else None
    return None


def main(source, target, directory, about):
    notebook = nbformat.read(source, as_version=4)
    notebook.metadata["bpflab"] = json.loads(about)
    numbers = {}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if cell.source.strip():
                numbers[index] = len(numbers) + 1
    cell_number, since = 0, 0.0

    def on_start(cell, cell_index):
        nonlocal cell_number, since
        cell_number, since = numbers[cell_index], time.monotonic()
        tell(event="start", cell=cell_number, of=len(numbers))

    def on_executed(cell, cell_index, execute_reply):
        if execute_reply["content"]["status"] == "ok":
            tell(event="done", cell=cell_number, seconds=time.monotonic() - since)

    client = NotebookClient(
        notebook,
        timeout=None,
        resources={"metadata": {"path": directory}},
        on_cell_execute=on_start,
        on_cell_executed=on_executed,
    )
    try:
        client.execute()
    except Exception as error:  # a cell's error, or the kernel could not start or died: all of it belongs in the report
        ename = getattr(error, "ename", type(error).__name__)
        tell(event="error", cell=cell_number, line=failing_line(notebook, cell_number), ename=ename, evalue=getattr(error, "evalue", str(error)))
    finally:
        nbformat.write(notebook, target)


main(*sys.argv[1:])
