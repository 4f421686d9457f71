"""The command line: `python -m benchmarks eager|compiled|growth|accuracy|… [--runs 7] [--only W3 W4] [--quick]`."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

MODULES = {"c": "in_c"}  # all others have the names that are typed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="chainrule against its peers")
    kinds = parser.add_subparsers(dest="kind", required=True)
    five = ["W1", "W2", "W3", "W4", "W5"]
    for kind, works, runs, said in (
        ("eager", [*five, "W12", "W13", "W17"], 7, "Values and backward() against micrograd and microgpt"),
        ("fence", ["W1", "W2", "W3", "W4", "W12"], 5, "what engine/fast/ buys: the same work with it switched off"),
        ("compiled", [*five, "W6", "W7", "W8", "W10"], 15, "compiled programs against NumPy by hand, PyTorch and JAX"),
        (
            "c",
            ["W3", "W4", "W5", "W6", "W7", "W10", "RK4", "Rosenbrock"],
            9,
            "programs in C against NumPy, JAX and PyTorch",
        ),
        (
            "whole",
            ["iris", "digits", "wide"],
            7,
            "W11: whole trainings in fresh processes, against three peers",
        ),
        ("growth", None, 5, "W14: time and memory beside parameters, batch, depth, positions, classes, nodes: one SVG"),
        (
            "accuracy",
            None,
            1,
            "W16: derivatives of orders 1 to 3 against mpmath, beside three peers; --only names rows",
        ),
        ("devices", ["iris", "digits"], 1, "C for devices: size, memory and error, beside emlearn and m2cgen"),
    ):
        one = kinds.add_parser(kind, help=said)
        one.add_argument("--runs", type=int, default=runs, metavar="N", help=f"alternating runs of each ({runs})")
        one.add_argument("--only", nargs="+", choices=works, help="some of the workloads")
        one.add_argument("--quick", action="store_true", help="tiny sizes and one run, to see whether it works")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # NumPy reads it when it is imported, which is next
    try:
        from . import reference  # next, only the chosen module: the collector would look through the other's peers

        chosen = import_module(f".{MODULES.get(arguments.kind, arguments.kind)}", __package__)
    except ModuleNotFoundError as missing:
        if missing.name != "micrograd":
            raise
        sys.exit("micrograd is not installed: pip install '.[bench]'")
    for name in arguments.only or ():
        if name not in getattr(chosen, "ALL", arguments.only):
            parser.error(f"--only {name}: it is none of {', '.join(chosen.ALL)}")
    sizes = chosen.QUICK if arguments.quick else chosen.Sizes(runs=arguments.runs)
    try:
        chosen.main(sizes, arguments.only)
    except reference.WrongGradient as wrong:
        sys.exit(str(wrong))


if __name__ == "__main__":
    main()
