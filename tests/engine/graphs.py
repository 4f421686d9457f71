"""Random graphs of all rows of the table, and how to make them again from other leaves."""

import random

from mathematics import at_home, call, counts, holds

from chainrule.engine import OPS, Value


def random_graph(seed, size, how_many_leaves=3):
    """(leaves, recipe, root): `recipe` lists (node, row, arguments) as they were made, without asking the engine."""
    chance = random.Random(seed)
    leaves = [Value(chance.uniform(-2.0, 2.0), label=f"leaf{i}") for i in range(how_many_leaves)]
    pool, recipe, used = list(leaves), [], set()
    while len(recipe) < size:
        op = chance.choice(list(OPS.values()))
        length = chance.randint(*counts(op))
        length += op.name == "dot" and length % 2
        recent = pool[-12:] + leaves
        arguments = [chance.choice(recent) if chance.random() < 0.8 else chance.uniform(-2, 2) for _ in range(length)]
        if op.name == "pick":
            arguments[-1] = float(chance.randrange(length - 1))
        numbers = [a.data if isinstance(a, Value) else a for a in arguments]
        if not holds(op, numbers) or not at_home(op, numbers) or not any(isinstance(a, Value) for a in arguments):
            continue
        given_in_turn = iter(arguments)
        node = call(op, numbers, wrap=lambda _, turn=given_in_turn: next(turn))
        if not isinstance(node, Value) or abs(node.data) > 5.0:
            continue
        used.update(map(id, arguments))
        pool.append(node)
        recipe.append((node, op, arguments))
    root = pool[-1]
    for node in pool[how_many_leaves:-1]:
        if id(node) not in used:
            arguments, root = (root, node), root + node
            recipe.append((root, OPS["add"], arguments))
    return leaves, recipe, root


def replay(leaves, recipe, others, apply=call, constant=lambda number: number):
    """Each node of the recipe, made anew from `others` in place of its leaves; the last one is the root."""
    made = {id(leaf): other for leaf, other in zip(leaves, others, strict=True)}
    for node, op, arguments in recipe:
        these = [made[id(a)] if isinstance(a, Value) else constant(a) for a in arguments]
        if op.name == "pick":
            these[-1] = arguments[-1]
        given_in_turn = iter(these)
        numbers = [0.0] * (len(these) - 1) + [arguments[-1] if op.name == "pick" else 0.0]
        made[id(node)] = apply(op, numbers, wrap=lambda _, turn=given_in_turn: next(turn))
    return [made[id(node)] for node, _, _ in recipe]


def chain(length):
    """A leaf, and the last of so many additions and multiplications one after the other; its derivative is 1."""
    x = y = Value(1.0, label="x")
    for i in range(length):
        y = y + 1e-6 if i % 2 else y * 1.0
    return x, y
