"""PyTorch as its users write it: eager, with modules of nn.Linear, in float64, and with the fastest of all choices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy, embedding, linear, scaled_dot_product_attention

from . import transformer

torch.set_num_threads(1)

ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}


def hinge(output: Any, signs: Any) -> Any:
    return torch.relu(1 - signs * output[:, 0]).mean()


class Network:
    """An MLP with these weights, which are given neuron by neuron, the bias last, and are parts of one flat tensor.

    The gradient of the penalty is known, so that the update takes it as a weight decay, which is much faster than
    autograd. torch.optim.SGD, foreach or fused or neither, took 70 µs more for W3 than the update below.
    """

    def __init__(self, theta: NDArray[Any], sizes: Sequence[int], activation: str, penalty: float = 0.0) -> None:
        self.flat = torch.empty(len(theta), dtype=torch.float64)
        self.penalty, self.loss = penalty, hinge if sizes[-1] == 1 else cross_entropy
        modules: list[Any] = []
        start = 0
        for inputs, neurons in pairwise(sizes):
            linear = torch.nn.Linear(inputs, neurons, dtype=torch.float64)
            end = start + neurons * (inputs + 1)
            layer = torch.tensor(theta[start:end].reshape(neurons, inputs + 1))
            middle = start + neurons * inputs
            for name, place, numbers in (
                ("weight", slice(start, middle), layer[:, :-1]),
                ("bias", slice(middle, end), layer[:, -1]),
            ):
                part = self.flat[place].view(numbers.shape)
                part.copy_(numbers)
                setattr(linear, name, torch.nn.Parameter(part))
            modules += [linear, ACTIVATIONS[activation]()]
            start = end
        self.model = torch.nn.Sequential(*modules[:-1])
        self.parameters = list(self.model.parameters())

    def gradient(self, X: Any, y: Any) -> NDArray[Any]:
        """The gradient in the order of theta."""
        parts = torch.autograd.grad(self.loss(self.model(X), y), self.parameters)
        layers = [torch.cat([w, b[:, None]], 1) for w, b in zip(parts[::2], parts[1::2])]
        weights = [torch.cat([w, b[:, None]], 1) for w, b in zip(self.parameters[::2], self.parameters[1::2])]
        flat, theta = (torch.cat([layer.reshape(-1) for layer in all_of]) for all_of in (layers, weights))
        return np.asarray((flat + 2 * self.penalty * theta).detach().numpy())

    def step(self, X: Any, y: Any, rate: float) -> float:
        loss = self.loss(self.model(X), y)
        slopes = torch.autograd.grad(loss, self.parameters)
        with torch.no_grad():
            value = loss.item()
            if self.penalty:
                value += self.penalty * float(self.flat.dot(self.flat))
                self.flat.mul_(1 - 2 * rate * self.penalty)
            torch._foreach_sub_(self.parameters, slopes, alpha=rate)
        return value


def tensors(*arrays: NDArray[Any]) -> list[Any]:
    return [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]


class Transformer:
    """The transformer of transformer.py on tensors, which computes all positions at once under a causal mask."""

    def __init__(self, theta: NDArray[Any], length: int = transformer.LENGTH) -> None:
        self.weights = {name: torch.tensor(matrix, requires_grad=True)
                        for name, matrix in transformer.matrices(theta, length).items()}  # fmt: skip

    def value_and_grad(self, texts: Any) -> tuple[float, list[Any]]:
        w = self.weights
        x = _normed(embedding(texts[:, :-1], w["tokens"]) + w["places"])
        before, x = x, _normed(x)
        split = (*x.shape[:2], transformer.HEADS, -1)
        heads = [linear(x, w[name]).view(split).transpose(1, 2) for name in ("query", "key", "value")]
        mixed = scaled_dot_product_attention(*heads, is_causal=True)  # quicker with a batch of one than without
        x = linear(mixed.transpose(1, 2).reshape(x.shape), w["out"]) + before
        x = linear(torch.relu(linear(_normed(x), w["wide"])), w["narrow"]) + x
        loss = cross_entropy(linear(x, w["letters"]).view(-1, transformer.LETTERS), texts[:, 1:].reshape(-1))
        return loss.item(), list(torch.autograd.grad(loss, list(w.values())))

    def gradient(self, texts: Any) -> NDArray[Any]:
        return np.concatenate([slopes.numpy().reshape(-1) for slopes in self.value_and_grad(texts)[1]])


def _normed(x: Any) -> Any:
    return x * (x.square().mean(-1, keepdim=True) + transformer.EPSILON).rsqrt()  # quicker than torch's rms_norm
