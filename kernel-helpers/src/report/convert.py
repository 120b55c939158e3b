"""Writes a notebook as a page: convert.py NOTEBOOK PAGE NAME DIRECTORY.

NAME is the title of a notebook without one. The pictures that its text shows, by paths from DIRECTORY, go into the page.
"""

import sys

import nbformat
from nbconvert import HTMLExporter


def main(source, target, name, directory):
    notebook = nbformat.read(source, as_version=4)
    exporter = HTMLExporter(template_name="bpflab", embed_images=True)  # the template that the set-up installed
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": name, "path": directory}})
    with open(target, "w", encoding="utf-8") as file:
        file.write(page)


main(*sys.argv[1:])
