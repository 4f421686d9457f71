"""micrograd from the package index, and the functions that its users add to it: 0.1.0 has no tanh, exp or log."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from micrograd.engine import Value
from micrograd.nn import MLP, Neuron

__all__ = ["Neuron", "TanhNeuron", "Value", "cross_entropy", "deep", "network", "recursion_error"]

STACK = 512 << 20  # bytes; only the part that is used takes memory


def _unary(x: Any, data: float, name: str, slope: float) -> Any:
    """A node with a closure `_backward`, as in micrograd's lecture."""
    out = Value(data, (x,), name)

    def _backward() -> None:
        x.grad += slope * out.grad

    out._backward = _backward
    return out


def tanh(x: Any) -> Any:
    t = math.tanh(x.data)
    return _unary(x, t, "tanh", 1 - t**2)


def exp(x: Any) -> Any:
    e = math.exp(x.data)
    return _unary(x, e, "exp", e)


def log(x: Any) -> Any:
    return _unary(x, math.log(x.data), "log", 1 / x.data)


class TanhNeuron(Neuron):
    def __call__(self, x: Any) -> Any:
        total = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        return tanh(total) if self.nonlin else total


def network(sizes: Sequence[int], weights: Sequence[float], neuron: type = Neuron) -> Any:
    """micrograd's MLP of such neurons, with these weights, which are given neuron by neuron, the bias last."""
    model = MLP(sizes[0], list(sizes[1:]))
    for layer in model.layers:
        layer.neurons = [neuron(len(old.w), nonlin=old.nonlin) for old in layer.neurons]
    for p, weight in zip(model.parameters(), weights, strict=True):
        p.data = weight
    return model


def cross_entropy(logits: Sequence[Any], label: int) -> Any:
    """Cross-entropy with exp and log and with the least work, which computes only one of the probabilities."""
    counts = [exp(logit) for logit in logits]
    return -log(counts[label] / sum(counts))


def recursion_error(depth: int) -> bool:
    """Whether backward() over a chain of that depth fails under Python's own limits."""
    x = Value(1.0)
    for _ in range(depth):
        x = x + 1.0
    try:
        x.backward()
    except RecursionError:
        return True
    return False


def deep(function: Callable[[], Any]) -> Any:
    """Run it in a thread with a large stack and without Python's limit, so that micrograd's backward() may recurse."""
    result: list[Any] = []
    limit, stack = sys.getrecursionlimit(), threading.stack_size(STACK)
    sys.setrecursionlimit(2_000_000)
    try:
        thread = threading.Thread(target=lambda: result.append(function()))
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(stack)
    if not result:
        raise RuntimeError("the run in a thread with a large stack failed; its traceback stands above")
    return result[0]
