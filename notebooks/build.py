"""Runs the notebooks beside this file and writes them back with their outputs: `python notebooks/build.py`."""

import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
FRAME = re.compile(r"(?:<div\b[^>]*>)?<iframe\b[^>]*>(.*)</iframe>(?:</div>)?", re.DOTALL)


class ThisPython(AsyncKernelManager):
    """Starts the interpreter that runs this, whatever this machine calls "python3"."""

    @property
    def kernel_spec(self):
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


def executed(path, package_folder, work_folder):
    """The notebook with the outputs of a fresh kernel, which finds chainrule in package_folder; nothing is written."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_manager_class=ThisPython,
        resources={"metadata": {"path": str(work_folder)}},
        record_timing=False,
        coalesce_streams=True,  # else a slow machine splits what one cell prints into several outputs
        timeout=120,
    )
    # a person's own IPython settings change what is shown
    client.execute(env={**os.environ, "PYTHONPATH": str(package_folder), "IPYTHONDIR": str(work_folder)})
    normalise(notebook)
    return notebook


def normalise(notebook):
    """Leave nothing in it that differs from machine to machine, nor what a page that shows notebooks would drop."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            # GitHub drops the frame and spoils SVG; the <img> that the frame falls back on shows everywhere.
            data.pop("image/svg+xml", None)
            if "text/html" in data:
                data["text/html"] = FRAME.sub(r"\1", data["text/html"])


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(executed(path, HERE.parent, folder), path)
