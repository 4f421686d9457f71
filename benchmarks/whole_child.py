"""One whole training in a fresh process: `python -m benchmarks.whole_child ENGINE TASK gradient|train FILE`.

The file has X, y and the first parameters theta, neuron by neuron, the bias last. With "gradient" the gradient of the
mean loss over the first mini-batch goes to FILE.out.npy. Each engine is used as its users write it, in one thread and
float64.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import numpy as np

TASKS = {  # sizes, activation, epochs, mini-batch; the learning rate of Adam is 0.001
    "iris": ((4, 16, 16, 3), "tanh", 50, 16),
    "digits": ((64, 32, 10), "relu", 20, 32),
    "wide": ((784, 128, 10), "relu", 2, 128),
}


def layers_of(theta: Any, sizes: Any) -> list[Any]:
    """The parameters of each layer (neurons, inputs + 1), as views of theta."""
    found, start = [], 0
    for inputs, neurons in pairwise(sizes):
        end = start + neurons * (inputs + 1)
        found.append(theta[start:end].reshape(neurons, inputs + 1))
        start = end
    return found


def chainrule(X: Any, y: Any, theta: Any, task: str, gradient: bool) -> Any:
    import chainrule as cr

    sizes, activation, epochs, batch = TASKS[task]
    model = cr.MLP(sizes[0], list(sizes[1:]), activation=activation)
    for p, number in zip(model.parameters(), theta.tolist(), strict=True):
        p.data = number
    if not gradient:
        return cr.fit(model, cr.cross_entropy, X, y, epochs=epochs, batch_size=batch, every=epochs, progress=False)
    seen = []

    class Keep(cr.Optimiser):  # type: ignore[misc]
        def update(self, theta: Any, gradient: Any) -> Any:
            seen.append(gradient.copy())
            return theta

    cr.fit(model, cr.cross_entropy, X[:batch], y[:batch], epochs=1, batch_size=batch, optimiser=Keep, progress=False)
    return seen[0]


def pytorch(X: Any, y: Any, theta: Any, task: str, gradient: bool) -> Any:
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    sizes, activation, epochs, batch = TASKS[task]
    modules: list[Any] = []
    for layer in layers_of(theta, sizes):
        linear = torch.nn.Linear(layer.shape[1] - 1, len(layer))
        linear.load_state_dict({"weight": torch.tensor(layer[:, :-1]), "bias": torch.tensor(layer[:, -1])})
        modules += [linear, torch.nn.Tanh() if activation == "tanh" else torch.nn.ReLU()]
    model, inputs, labels = torch.nn.Sequential(*modules[:-1]), torch.tensor(X), torch.tensor(y)
    loss = torch.nn.functional.cross_entropy
    if gradient:
        loss(model(inputs[:batch]), labels[:batch]).backward()
        parts = [p.grad for p in model.parameters()]
        return torch.cat([torch.cat([w, b[:, None]], 1).ravel() for w, b in zip(parts[::2], parts[1::2])]).numpy()
    optimiser = torch.optim.Adam(model.parameters(), 0.001)
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs)).split(batch):
            optimiser.zero_grad()
            loss(model(inputs[rows]), labels[rows]).backward()
            optimiser.step()
    return None


def sklearn(X: Any, y: Any, theta: Any, task: str, gradient: bool) -> Any:
    import warnings

    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")  # that it has not converged
    sizes, activation, epochs, batch = TASKS[task]
    settings: dict[str, Any] = {"hidden_layer_sizes": sizes[1:-1], "activation": activation, "alpha": 0.0, "tol": 0.0}
    if not gradient:
        settings |= {"batch_size": batch, "max_iter": epochs, "n_iter_no_change": epochs}
        return MLPClassifier(**settings).fit(X, y)
    model = MLPClassifier(**settings, solver="sgd", learning_rate_init=1.0, momentum=0.0, batch_size=batch)
    model.partial_fit(X[:batch], y[:batch], classes=np.arange(sizes[-1]))
    layers = layers_of(theta, sizes)
    model.coefs_[:] = [layer[:, :-1].T.copy() for layer in layers]
    model.intercepts_[:] = [layer[:, -1].copy() for layer in layers]
    model.partial_fit(X[:batch], y[:batch])  # a step of plain SGD at the rate 1: what it moves by is the gradient
    moved = [np.c_[w.T, b] for w, b in zip(model.coefs_, model.intercepts_)]
    return np.concatenate([(before - after).ravel() for before, after in zip(layers, moved)])


def jax(X: Any, y: Any, theta: Any, task: str, gradient: bool) -> Any:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    sizes, activation, epochs, batch = TASKS[task]

    def loss(theta: Any, X: Any, y: Any) -> Any:
        *hidden, last = layers_of(theta, sizes)
        for layer in hidden:
            X = getattr(jax.nn, activation)(X @ layer[:, :-1].T + layer[:, -1])
        logits = X @ last[:, :-1].T + last[:, -1]
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1).mean()

    slope = jax.grad(loss)
    if gradient:
        return np.asarray(slope(jnp.asarray(theta), X[:batch], y[:batch]))
    steps = len(X) // batch  # a scan wants mini-batches of the same size: it leaves the rest of the examples out

    def step(state: Any, rows: Any) -> Any:
        theta, mean, square, t = state
        g, t = slope(theta, inputs[rows], labels[rows]), t + 1
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g
        move = 0.001 * (mean / (1 - 0.9**t)) / (jnp.sqrt(square / (1 - 0.999**t)) + 1e-8)
        return (theta - move, mean, square, t), None

    @jax.jit
    def epoch(state: Any, order: Any) -> Any:
        return jax.lax.scan(step, state, order)[0]

    inputs, labels, order = jnp.asarray(X), jnp.asarray(y), np.random.default_rng(0)
    state = (jnp.asarray(theta), jnp.zeros(len(theta)), jnp.zeros(len(theta)), 0.0)
    for _ in range(epochs):
        state = epoch(state, order.permutation(len(X))[: steps * batch].reshape(steps, batch))
    return np.asarray(state[0])


ENGINES = {"chainrule": chainrule, "sklearn": sklearn, "jax": jax, "pytorch": pytorch}

if __name__ == "__main__":
    engine, task, what, file = sys.argv[1:]
    with np.load(file) as data:
        X, y, theta = (data[name] for name in ("X", "y", "theta"))
    found = ENGINES[engine](X, y, theta, task, what == "gradient")
    if what == "gradient":
        np.save(f"{file}.out.npy", found)
