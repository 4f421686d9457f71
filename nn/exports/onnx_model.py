"""`to_onnx`: a model for every runtime that reads ONNX. The library onnx, imported on demand, builds it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arguments import file_path
from ..saving import WRITERS
from .stages import Activation, Affine, class_names, folded, inputs_of, stages, threshold

__all__ = ["to_onnx"]

OPSET, IR_VERSION = 17, 8  # of 2022, so that older runtimes read it, too


class _Graph:
    """Nodes that are added one after the other; each operation returns the name of its result."""

    def __init__(self, onnx: Any) -> None:
        self.onnx, self.nodes, self.constants = onnx, list[Any](), list[Any]()

    def __call__(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"{kind}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], name=f"make_{name}", **attributes))
        return name

    def constant(self, array: Any) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(array), name))
        return name

    def erf(self, x: str) -> str:
        """onnxruntime has Erf of float32 only."""
        single = self("Cast", x, to=self.onnx.TensorProto.FLOAT)
        return self("Cast", self("Erf", single), to=self.onnx.TensorProto.DOUBLE)


def _one(kind: str, **attributes: Any) -> Callable[[_Graph, str], str]:
    return lambda graph, x: graph(kind, x, **attributes)


def _softplus(g: _Graph, x: str) -> str:
    small = g("Exp", g("Neg", g("Abs", x)))
    return g("Add", g("Relu", x), g("Log", g("Add", g.constant(1.0), small)))


def _elu(g: _Graph, x: str) -> str:
    below = g("Sub", g("Exp", g("Neg", g("Relu", g("Neg", x)))), g.constant(1.0))
    return g("Where", g("Greater", x, g.constant(0.0)), x, below)


def _gelu(g: _Graph, x: str) -> str:
    inside = g("Add", g.constant(1.0), g.erf(g("Mul", x, g.constant(np.sqrt(0.5)))))
    return g("Mul", g("Mul", x, g.constant(0.5)), inside)


# What ONNX has for the rows of the table, of those that onnxruntime runs on float64.
NODES: dict[str, Callable[[_Graph, str], str]] = {
    "absolute": _one("Abs"),
    "cos": _one("Cos"),
    "elu": _elu,
    "erf": lambda g, x: g.erf(x),
    "exp": _one("Exp"),
    "gelu": _gelu,
    "identity": _one("Identity"),
    "leaky_relu": lambda g, x: g("Max", x, g("Mul", x, g.constant(0.01))),
    "log": _one("Log"),
    "neg": _one("Neg"),
    "relu": _one("Relu"),
    "sigmoid": _one("Sigmoid"),
    "silu": lambda g, x: g("Mul", x, g("Sigmoid", x)),
    "sin": _one("Sin"),
    "softmax": _one("Softmax", axis=-1),
    "softplus": _softplus,
    "sqrt": _one("Sqrt"),
    "tanh": _one("Tanh"),
}


def to_onnx(model: Any, path: str | os.PathLike[str] | None = None) -> Any:
    """An onnx.ModelProto of float64 that predicts what the model predicts; with a path, it is written there, too.

    Its input is "X", its outputs are "outputs" and, of a model for classes, "label": the name of the class of each
    example, or its number. The scaling of a model that was trained on a Dataset goes along: X holds numbers as they
    stand in the table (1 and 0 for the categories, in the order of preparation.feature_names).

    Shapes: X (n, features) -> outputs (n, outputs), also where there is one; label (n,).
    Errors: TypeError for a Module of one's own, ValueError for an activation that it has no nodes for; ImportError
    without the library: pip install "chainrule[export]".
    """
    onnx, file = _onnx(), None if path is None else file_path(path, "m.onnx")
    found = stages(model, "to_onnx")
    graph, inputs, x, outputs = _Graph(onnx), inputs_of(found), "X", 0
    parts = folded(found)
    for i, stage in enumerate(parts):
        name = "outputs" if i == len(parts) - 1 else ""
        if isinstance(stage, Affine):
            outputs = len(stage.biases)
            product = graph("MatMul", x, graph.constant(np.ascontiguousarray(stage.weights.T)))
            x = graph("Add", product, graph.constant(stage.biases))
        else:
            x = _node(graph, stage, x)
        if name:
            x = graph("Identity", x, name=name)
    helper, proto = onnx.helper, onnx.TensorProto
    results = [helper.make_tensor_value_info("outputs", proto.DOUBLE, ["n", outputs])]
    names = class_names(model)
    if names or outputs > 1:
        kind = _label(graph, names, outputs, threshold(found))
        results.append(helper.make_tensor_value_info("label", kind, ["n"]))
    given = helper.make_tensor_value_info("X", proto.DOUBLE, ["n", inputs])
    made = helper.make_model(
        helper.make_graph(graph.nodes, "chainrule", [given], results, graph.constants),
        producer_name="chainrule", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)],
    )  # fmt: skip
    known = getattr(model, "preparation", None)
    if known is not None and known.columns is not None:
        helper.set_model_props(made, {"columns": "\n".join(map(str, known.feature_names))})
    onnx.checker.check_model(made, full_check=True)
    if file is not None:
        file.write_bytes(made.SerializeToString())
    return made


def _save(model: Any, path: str | os.PathLike[str], **settings: Any) -> None:
    if settings:
        raise TypeError(f"save: {', '.join(settings)} is for files of C, JavaScript and Python, not for {str(path)!r}")
    to_onnx(model, path)


def _node(graph: _Graph, stage: Activation, x: str) -> str:
    if stage.name not in NODES:
        raise ValueError(f"to_onnx has no nodes for the activation {stage.name!r}; it knows {', '.join(sorted(NODES))}")
    return NODES[stage.name](graph, x)


def _label(graph: _Graph, names: list[Any], outputs: int, limit: float) -> int:
    """Add the nodes of "label"; return its type."""
    proto = graph.onnx.TensorProto
    if outputs > 1:
        place = graph("ArgMax", "outputs", axis=1, keepdims=0)
    else:
        above = graph("Greater", graph("Squeeze", "outputs", graph.constant([1])), graph.constant(limit))
        place = graph("Cast", above, to=proto.INT64)
    if not names:
        graph("Identity", place, name="label")
        return int(proto.INT64)
    whole = all(isinstance(name, int) for name in names)
    table = np.array(names, dtype=np.int64) if whole else np.array([str(name) for name in names], dtype=object)
    graph("Gather", graph.constant(table), place, name="label", axis=0)
    return int(proto.INT64 if whole else proto.STRING)


def _onnx() -> Any:
    try:
        import onnx
    except ImportError:
        raise ImportError('the library onnx is not installed; run pip install "chainrule[export]"') from None
    return onnx


WRITERS[".onnx"] = _save
