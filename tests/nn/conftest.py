"""Numbers of PyTorch: computed anew where it is installed, in the slow run, and else those that are stored.

`STORE_PYTORCH=1 python -m pytest -q -m slow tests/nn -k pytorch` writes them again, into pytorch.json beside this file.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the tests of this folder import their helpers
STORED = Path(__file__).parent / "pytorch.json"
COMMAND = "STORE_PYTORCH=1 python -m pytest -q -m slow tests/nn -k pytorch"


@pytest.fixture(params=["stored", pytest.param("pytorch", marks=pytest.mark.slow)])  # slow, as importing PyTorch is
def of_pytorch(request):
    """of_pytorch(key, compute): the arrays that compute(torch) gives by name, or those stored under the key."""

    def stored(key, compute):
        numbers = json.loads(STORED.read_text())
        if key not in numbers:  # a rule that somebody is adding
            pytest.skip(f"pytorch.json has no {key!r}; where PyTorch is installed, write it: {COMMAND}")
        return {name: np.array(array) for name, array in numbers[key].items()}

    def computed(key, compute):
        torch = pytest.importorskip("torch", reason="PyTorch is not installed; its numbers are stored")
        found = {name: np.array(array, dtype=float) for name, array in compute(torch).items()}
        if os.environ.get("STORE_PYTORCH"):
            numbers = json.loads(STORED.read_text()) if STORED.is_file() else {}
            numbers[key] = {name: array.tolist() for name, array in found.items()}
            lines = [f"{json.dumps(one)}: {json.dumps(numbers[one])}" for one in sorted(numbers)]
            STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        for name, array in stored(key, compute).items():  # another version of it, or of NumPy, may round otherwise
            np.testing.assert_allclose(found[name], array, rtol=1e-12, atol=1e-14)
        return found

    return stored if request.param == "stored" else computed
