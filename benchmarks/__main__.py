"""The command line: `python -m benchmarks eager [--runs 7] [--only W3 W4] [--quick]`."""

from __future__ import annotations

import argparse
import os
import sys


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="chainrule against its peers")
    kinds = parser.add_subparsers(dest="kind", required=True)
    values = kinds.add_parser("eager", help="Values and backward() against micrograd (workloads W1 to W5)")
    values.add_argument("--runs", type=int, default=7, metavar="N", help="alternating runs of each (default 7)")
    values.add_argument("--only", nargs="+", choices=["W1", "W2", "W3", "W4", "W5"], help="some of the workloads")
    values.add_argument("--quick", action="store_true", help="tiny sizes, one run: shows that it works, says nothing")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # NumPy reads it when it is imported, which is next
    try:
        from . import eager, reference
    except ModuleNotFoundError as missing:
        if missing.name != "micrograd":
            raise
        sys.exit("micrograd is not installed: pip install '.[bench]'")
    sizes = eager.QUICK if arguments.quick else eager.Sizes(runs=arguments.runs)
    try:
        eager.main(sizes, arguments.only)
    except reference.WrongGradient as wrong:
        sys.exit(str(wrong))


if __name__ == "__main__":
    main()
