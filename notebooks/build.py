"""Run the notebooks beside this file and write them back with their outputs: `python notebooks/build.py`."""

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
    """A kernel manager that starts the interpreter that runs this script, not the kernel named "python3"."""

    @property
    def kernel_spec(self):
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


def executed(path, package_folder, work_folder):
    """The notebook with the outputs of a fresh kernel, which imports chainrule from package_folder."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_manager_class=ThisPython,
        resources={"metadata": {"path": str(work_folder)}},
        record_timing=False,
        coalesce_streams=True,  # on a slow machine, a cell that prints twice would have two outputs
        timeout=120,
    )
    # IPYTHONDIR keeps a user's own settings of IPython away, which would change the outputs.
    client.execute(env={**os.environ, "PYTHONPATH": str(package_folder), "IPYTHONDIR": str(work_folder)})
    normalise(notebook)
    return notebook


def normalise(notebook):
    """Remove from the notebook what differs from machine to machine, and what viewers of notebooks would drop."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            # GitHub drops the frame and spoils SVG, but the <img> inside the frame is shown everywhere.
            data.pop("image/svg+xml", None)
            if "text/html" in data:
                data["text/html"] = FRAME.sub(r"\1", data["text/html"])


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(executed(path, HERE.parent, folder), path)
