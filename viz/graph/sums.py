"""Chains of additions as one sum, and sums over parts that are alike, such as a loss over many examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.engine import Op, Value
from chainrule.nn.modules import Unit

from .reading import Reading

ADDS, SCALES = ("+", "Σ"), ("×", "÷")  # the badges of the rows that add, and of those that a mean ends with
FEWEST_PRODUCTS = 3  # a sum of so many products of two Values has them on its card
FEWEST_TERMS = 4  # a chain of additions of so many terms is drawn as one card
MANY_TERMS = 12  # a sum of more terms that are alike shows them as a strip, and not as cards
MANY_VALUES = 30  # in the parts of a sum, before it is taken for a loss over examples
FEWEST_OPERATIONS = 3  # for an example that is not computed by neurons
MOST_TRIED = 12  # sums that may be a loss over examples, the nearest to the results first


@dataclass
class Sum:
    """A chain of additions: its last value, its inner values, and its terms in the order in which they are added."""

    head: int
    inner: list[int]
    terms: list[int]
    scaled: int | None = None  # the value that divides the sum by the number of its terms, and makes it a mean
    inside: list[list[int]] = field(default_factory=list)  # for each term, the values that nothing else uses

    @property
    def top(self) -> int:
        return self.head if self.scaled is None else self.scaled


def badge_of(value: Value) -> str:
    operation = value.operation
    return operation.badge if isinstance(operation, Op) else ""


def sums_of(reading: Reading, units: Sequence[Unit | None]) -> list[Sum]:
    """The sums of at least two terms outside of neurons, the last one first; what has a label ends a chain."""
    found, seen = [], set()
    adds = [badge_of(value) in ADDS and unit is None for value, unit in zip(reading.order, units)]
    for head in reversed(range(len(reading.order))):
        if adds[head] and head not in seen:
            one = _chain(reading, head, adds)
            seen.update(one.inner)
            if len(one.terms) > 1:
                one.scaled = _mean(reading, one)
                found.append(one)
    return found


def _chain(reading: Reading, head: int, adds: Sequence[bool]) -> Sum:
    one = Sum(head, [], [])
    stack = [head]
    while stack:
        index = stack.pop()
        is_inner = index == head or (
            adds[index]
            and len(reading.users[index]) == 1
            and not reading.order[index].label
            and index not in reading.roots
        )
        if is_inner:
            one.inner.append(index)
            stack.extend(reversed(reading.parents[index]))
        else:
            one.terms.append(index)
    return one


def _mean(reading: Reading, one: Sum) -> int | None:
    """The value that multiplies the sum by 1/n or divides it by n, where nothing else uses the sum."""
    users, order = reading.users[one.head], reading.order
    if len(users) != 1 or order[one.head].label or one.head in reading.roots:
        return None
    (user,) = users
    numbers = [a for a in order[user].arguments if not isinstance(a, Value)]
    if badge_of(order[user]) not in SCALES or len(numbers) != 1:
        return None
    share = 1.0 / len(one.terms)
    return user if abs(reading.slopes[user][0] - share) <= 1e-9 * share else None


def find_insides(reading: Reading, one: Sum) -> None:
    """Find what each term alone is made of: values whose users all belong to that term."""
    place = {term: number for number, term in enumerate(one.terms) if len(reading.users[term]) == 1}
    owner: dict[int, int] = {}
    inside: list[list[int]] = [[] for _ in one.terms]
    for index in reversed(range(one.head)):  # users come before their arguments here
        if index in place:
            own: int | None = place[index]
        else:
            owners = {owner.get(user) for user in reading.users[index]}
            own = owners.pop() if len(owners) == 1 else None
        if own is not None and index not in reading.roots:
            owner[index] = own
            inside[own].append(index)
    one.inside = [values[::-1] for values in inside]


def sum_over_examples(reading: Reading, units: Sequence[Unit | None], sums: list[Sum]) -> Sum | None:
    """The sum over examples that is nearest to the results, if there is one; it is one of the sums.

    Its terms are made in the same way, each from values of its own: by the same neurons, or by the same operations. The
    Value(0.0) with which people begin a sum is none of them.
    """
    place, found = _found_over(reading, units, [_without_beginning(reading, one) for one in sums[:MOST_TRIED]])
    if found is not None:
        sums[place] = found
    return found


def _without_beginning(reading: Reading, one: Sum) -> Sum:
    first = one.terms[0]
    value = reading.order[first]
    is_zero = value.operation is None and value.data == 0.0 and not value.label and len(reading.users[first]) == 1
    if not is_zero or len(one.terms) < 3:
        return one
    other = Sum(one.head, [*one.inner, first], one.terms[1:])
    other.scaled = _mean(reading, other)
    return other


def _found_over(reading: Reading, units: Sequence[Unit | None], sums: Sequence[Sum]) -> tuple[int, Sum | None]:
    without_neurons: tuple[int, Sum | None] = -1, None
    for place, one in enumerate(sums):
        find_insides(reading, one)
        made = made_inside(reading, one)
        if not all(made) or sum(map(len, made)) <= MANY_VALUES:
            continue
        in_units = [{units[index] for index in values} - {None} for values in made]
        if in_units[0] and all(kinds == in_units[0] for kinds in in_units):
            return place, one
        is_deep = len(made) > 2 and len(made[0]) >= FEWEST_OPERATIONS
        if without_neurons[1] is None and is_deep and not any(in_units) and are_alike(reading, made):
            without_neurons = place, one
    return without_neurons


def products_in(reading: Reading, one: Sum, units: Sequence[Unit | None]) -> list[int]:
    """The terms that are products of two Values, as in Σ w × x, where there are enough, but not too many to read."""
    products = [
        term
        for term in one.terms
        if badge_of(reading.order[term]) == "×" and len(reading.users[term]) == 1 and units[term] is None
        and not reading.order[term].label and term not in reading.roots
    ]  # fmt: skip
    of_values = [term for term in products if len(reading.parents[term]) == 2]
    return products if len(of_values) >= FEWEST_PRODUCTS and len(one.terms) <= MANY_TERMS else []


def made_inside(reading: Reading, one: Sum) -> list[list[int]]:
    """For each term, what was computed for it alone."""
    return [[index for index in values if reading.parents[index]] for values in one.inside]


def are_alike(reading: Reading, made: Sequence[Sequence[int]]) -> bool:
    """Whether the same operations make each of the parts."""
    kinds = [[reading.order[index].operation for index in values] for values in made]
    return all(kind == kinds[0] for kind in kinds)
