"""What a user writes: `mypy --strict` has to understand it (.ci/run asks)."""

import chainrule as cr
from chainrule.engine import Value
from chainrule.nn import MLP, fit


def squared(x: Value) -> Value:
    return x * x + 2 * x.exp() - x.tanh() ** 2 / 3.0


x = cr.Value(2.0, label="x")
squared(x).backward()
slope: float = x.grad
model = MLP(4, [8, 3], activation="tanh", rng=0)
X, y = cr.iris()
history: cr.History = fit(model, cr.cross_entropy, X, y, epochs=1, progress=False)
print(cr.__version__, slope, len(model.parameters()), history, cr.draw(squared(x)), cr.live(squared(x)))
