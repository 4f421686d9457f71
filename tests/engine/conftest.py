"""Let the tests of this folder import their shared modules: pytest's importlib mode puts no folder on the path."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if getattr(item, "originalname", "") == "test_values_and_derivatives_hold_at_random_points":
            item.add_marker("slow")  # it tries 2,000 points of each operation, in hundreds of digits
