"""What the README promises of real data, on rows that were set aside, as means over ten seeds."""

import time

import numpy as np
import pytest

import chainrule as cr


def on_the_test_part(data, hidden, epochs, seed, rate=0.01, batch=16):
    train, test = data.standardise().split(0.25, seed)
    model = cr.MLP(train.inputs, [*hidden, train.outputs], activation="tanh", rng=seed)
    loss = cr.cross_entropy if train.target_names else cr.mse
    cr.fit(model, loss, train, epochs=epochs, learning_rate=rate, batch_size=batch, seed=seed, progress=False)
    score = cr.accuracy if train.target_names else cr.r2
    return score(model.predict(test), test.y)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "hidden", "epochs", "least"), [
    ("iris", [8], 60, 0.95), ("penguins", [16], 60, 0.97), ("moons", [16, 16], 100, 0.98),
    ("spirals", [16, 16], 200, 0.98), ("circles", [16], 100, 0.98), ("xor", [16], 100, 0.96),
    ("gaussians", [8], 60, 0.97), ("houses", [16], 60, 0.95), ("sine", [16], 200, 0.9),
])  # fmt: skip
def test_small_data_sets_are_learned(name, hidden, epochs, least):
    scores = [on_the_test_part(getattr(cr, name)(), hidden, epochs, seed) for seed in range(10)]
    print(f"{name}: {np.mean(scores):.4f} of {np.round(scores, 4).tolist()}")
    assert np.mean(scores) >= least


@pytest.mark.slow
def test_digits_are_learned():
    start = time.perf_counter()
    scores = [on_the_test_part(cr.digits(), [32], 20, seed, rate=0.005, batch=32) for seed in range(3)]
    print(
        f"digits: {np.mean(scores):.4f}, {(time.perf_counter() - start) / 3:.1f} s each, {np.round(scores, 4).tolist()}"
    )
    assert np.mean(scores) >= 0.95


def test_penguins_and_houses_are_learned_with_the_seed_0():
    assert on_the_test_part(cr.penguins(), [16], 30, 0) >= 0.97
    assert on_the_test_part(cr.houses(), [16], 30, 0) >= 0.95
