"""The questions of the inventory: what people believe of backpropagation, and a small program that shows what is so.

The right answer of no question is written down here. `ask` is computed after `code`, and the choice whose `value` it
gives is the right one; the other values are what somebody finds who believes something else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Choice = tuple[str, Any, str]  # what one reads; the value that it stands for; what one believes who takes it


@dataclass(frozen=True)
class Item:
    """A question with a program, its choices, why the right one is right, and where to read on."""

    belief: str  # the misconception, as somebody would say it
    question: str
    code: str
    ask: str
    choices: tuple[Choice, ...]
    why: str
    cure: str  # where to read on: the stem of a notebook

    def computed(self) -> Any:
        """What the engine gives."""
        names: dict[str, Any] = {}
        exec("import math\n\nimport chainrule as cr\n\n" + self.code, names)  # the text above is our own
        return eval(self.ask, names)

    def right(self) -> int:
        """The place of the right choice."""
        value = self.computed()
        places = [place for place, choice in enumerate(self.choices) if same(choice[1], value)]
        if len(places) != 1:
            raise ValueError(f"{self.ask} gives {value!r}; {len(places)} choices of {self.question!r} have that value")
        return places[0]


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same: floats to twelve digits, nan and nan."""
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12)
    return bool(one == other)


STEPS = "01-backprop-step-by-step"
WHICH, LOSSES = "00-which-weight-was-it", "05-two-losses"
HOW_MUCH, WRONG = "04-how-much-to-change", "08-what-goes-wrong"
PLAYGROUND, BENT = "07-playground", "09-derivatives-of-derivatives"

ITEMS = (
    Item(
        "Backpropagation is learning.",
        "What is `w.data` after this program?",
        "w = cr.Value(2.0)\nloss = (w * 3.0 - 9.0) ** 2\nloss.backward()",
        "w.data",
        (
            ("2", 2.0, "right"),
            ("3, where the loss is 0", 3.0, "that backward() looks for the best weight"),
            ("−16", -16.0, "that backward() adds the gradient to the weight"),
            ("20", 20.0, "that backward() takes the gradient from the weight"),
        ),
        "backward() only computes gradients: here ∂loss/∂w = 2 · (6 − 9) · 3 = −18. It changes no data. Learning is "
        "the step that follows, `w.data -= learning_rate * w.grad`, and somebody has to choose it.",
        STEPS,
    ),
    Item(
        "Each value is used once, so its gradient can be assigned with `=`.",
        "What is `a.grad`?",
        "a = cr.Value(3.0)\ny = a * a + a\ny.backward()",
        "a.grad",
        (
            ("1", 1.0, "that the part that comes last replaces the others"),
            ("3", 3.0, "that one use of the three counts"),
            ("6", 6.0, "that only the product counts"),
            ("7", 7.0, "right"),
        ),
        "`a` is used three times: as the left and as the right factor, which bring 3 each, and in the sum, which "
        "brings 1. Moving `a` moves `y` along all three paths, so the parts are added: 3 + 3 + 1 = 7.",
        STEPS,
    ),
    Item(
        "The nodes may be visited in any order.",
        "What is `a.grad`? (`d` has two users, `e` and the sum.)",
        "a, b = cr.Value(2.0), cr.Value(3.0)\nd = a * b\ne = d * 2.0\ny = d + e\ny.backward()",
        "a.grad",
        (
            ("3", 3.0, "that d passes its gradient on before the part of e has come"),
            ("6", 6.0, "that only the path through e counts"),
            ("9", 9.0, "right"),
            ("12", 12.0, "that d passes on once for each part that comes, and all of it each time"),
        ),
        "`d` gets 1 from the sum and 2 from `e`. Only when both have come is its gradient complete, 3, and may go "
        "on: 3 · b = 9. Hence the reverse topological order: a node passes on after all of its users have.",
        STEPS,
    ),
    Item(
        "Gradients start at zero by themselves.",
        "Two training examples, one after the other, and no zero_grad() in between. What is `x.grad`?",
        "x = cr.Value(3.0)\nfirst = x * x\nfirst.backward()\nsecond = x * x\nsecond.backward()",
        "x.grad",
        (
            ("6", 6.0, "that backward() begins with gradients of 0"),
            ("9", 9.0, "that the gradient is the value"),
            ("12", 12.0, "right"),
            ("36", 36.0, "that the gradients are multiplied"),
        ),
        "backward() adds to what is there; that is what makes several uses and several losses come out right. So the"
        " leaves keep 6 from the first call, and the second adds 6. Whoever wants to begin anew says so: "
        "`x.zero_grad()`, or `model.zero_grad()` for all parameters.",
        WRONG,
    ),
    Item(
        "Calling backward() again changes nothing.",
        "backward() is called twice on the same graph. What is `x.grad`?",
        "x = cr.Value(1.0)\nz = 2.0 * x\ny = z * z\ny.backward()\ny.backward()",
        "x.grad",
        (
            ("8", 8.0, "that the second call gives the same and replaces the first"),
            ("16", 16.0, "right"),
            ("24", 24.0, "that the second call also finds the gradient 4 that the first has left in z"),
            ("64", 64.0, "that the two results are multiplied"),
        ),
        "∂y/∂x is 8, and a leaf adds up what comes: 8 + 8. The inner node `z` begins each call at 0 here. In engines"
        " that keep the gradients of inner nodes, micrograd among them, the second call finds 4 in `z`, passes 8 on,"
        " and `x` ends at 24: there, all of the graph has to be zeroed.",
        STEPS,
    ),
    Item(
        "The gradients are there after the forward pass.",
        "What is `x.grad`?",
        "x = cr.Value(3.0)\ny = x * x",
        "x.grad",
        (
            ("0", 0.0, "right"),
            ("3", 3.0, "that the local derivative of one factor is the gradient"),
            ("6", 6.0, "that the derivative is known as soon as y is"),
        ),
        "The forward pass has computed `y` and, on the way, the *local* derivatives. How the end of the program "
        "depends on `x` cannot be known before the end is reached. Gradients come from backward().",
        STEPS,
    ),
    Item(
        "The weights change while the error flows back.",
        "What is `w1.grad` before any weight is changed?",
        "x, w1, w2 = 1.0, cr.Value(2.0), cr.Value(3.0)\nloss = w2 * (w1 * x)\nloss.backward()",
        "w1.grad",
        (
            ("3", 3.0, "right"),
            ("2.8", 2.8, "that w2 first takes its step of 0.1 · 2, and w1 sees the new w2"),
            ("2", 2.0, "that a weight's gradient is the weight itself"),
        ),
        "All gradients are taken at the same place, with the weights of the forward pass: ∂loss/∂w1 = w2 · x = 3. "
        "Then all weights take their steps together. If `w2` moved first, `w1` would get a gradient of a network "
        "that nobody has evaluated.",
        STEPS,
    ),
    Item(
        "The slope of a neuron depends on whether its answer was right.",
        "The same neuron, once with the target 1 and once with the target −1. Is the local derivative ∂h/∂z the "
        "same, and is the upstream gradient ∂loss/∂h?",
        "local, upstream = [], []\nfor target in (1.0, -1.0):\n    z = cr.Value(0.5)\n    h = cr.tanh(z)\n"
        "    loss = (h - target) ** 2\n    loss.backward()\n    local.append(1.0 - h.data**2)\n"
        "    upstream.append(h.grad)",
        "(local[0] == local[1], upstream[0] == upstream[1])",
        (
            ("both are the same", (True, True), "that the target plays no part"),
            ("∂h/∂z is the same, ∂loss/∂h is not", (True, False), "right"),
            ("∂loss/∂h is the same, ∂h/∂z is not", (False, True), "that the neuron knows its target"),
            ("neither is", (False, False), "that the neuron's slope depends on the error"),
        ),
        "A node knows its own arguments and nothing else: the slope of tanh at z = 0.5 is 1 − tanh²(0.5), whatever "
        "comes later. That the answer was wrong is said by the upstream gradient. The chain rule is the product of "
        "the two.",
        LOSSES,
    ),
    Item(
        "(f∘g)′(x) = f′(x) · g′(x).",
        "What is `x.grad`?",
        "x = cr.Value(1.0)\nu = 3.0 * x + 1.0\ny = u * u\ny.backward()",
        "x.grad",
        (
            ("6", 6.0, "that the outer slope, 2 · x, is taken at x"),
            ("8", 8.0, "that the outer slope alone is the answer"),
            ("24", 24.0, "right"),
            ("11", 11.0, "that slopes along a path are added"),
        ),
        "The outer slope has to be taken where the outer function stands, at u = 4: 2 · 4 = 8. The inner one is 3. "
        "Slopes along a path are multiplied: 8 · 3 = 24. So the rule is (f∘g)′(x) = f′(g(x)) · g′(x), where f∘g is g "
        "first and then f.",
        STEPS,
    ),
    Item(
        "The gradient is a formula.",
        "What is `slope`?",
        "x = cr.Value(3.0)\ny = x * x\ny.backward()\nslope = x.grad\nx.data = 5.0",
        "slope",
        (
            ("2 · x, whatever x is", "2x", "that a gradient is a formula"),
            ("6", 6.0, "right"),
            ("10", 10.0, "that the gradient follows x"),
        ),
        "The derivative is a function; the gradient that backpropagation finds is the *number* that this function "
        "has at the place of the forward pass: 2 · 3 = 6. At x = 5 it is another one, and one has to compute it "
        "again.",
        STEPS,
    ),
    Item(
        "One would notice a gradient that is nearly right.",
        "An engine with `=` in place of `+=` gives half of the gradient of `w * w`. What does this training do?",
        "w, losses = 1.0, []\nfor _ in range(50):\n    losses.append(w * w)\n    gradient = 2.0 * w / 2.0\n"
        "    w -= 0.1 * gradient",
        '"falls" if losses[-1] < 0.01 * losses[0] else "stays" if losses[-1] < losses[0] else "rises"',
        (
            ("the loss falls to less than a hundredth", "falls", "right"),
            ("the loss hardly moves", "stays", "that half of a gradient shows at once"),
            ("the loss rises", "rises", "that a wrong gradient points uphill"),
        ),
        "Half of the gradient is the gradient with half the learning rate: the training looks healthy. Wrong gradients "
        "are found by comparing them with something independent, as `cr.gradcheck(...)` does with finite differences, "
        "and not by looking at a curve.",
        STEPS,
    ),
    Item(
        "More layers always learn more.",
        "Thirty sigmoids, one after the other; each squeezes a number between 0 and 1. How large is the gradient that "
        "reaches the first?",
        "x = cr.Value(1.0)\nh = x\nfor _ in range(30):\n    h = cr.sigmoid(h)\nh.backward()",
        "math.floor(math.log10(x.grad))",
        (
            ("about 1", 0, "that a gradient arrives as it was sent"),
            ("about a thirtieth", -2, "that each layer takes an equal share"),
            ("below a billionth of a billionth", -20, "right"),
        ),
        "The slope of the sigmoid is at most ¼, here about 0.22. Thirty such factors make 10⁻²⁰: the first layer "
        "stands still. The remedies are other activations, a start with weights of the right size, and paths around "
        "the layers.",
        PLAYGROUND,
    ),
    Item(
        "A neuron that gives 0 will recover with enough training.",
        "A ReLU gives its input where that is positive, and else 0. Here its input is negative for every example. "
        "What is `w.grad`?",
        "w, b = cr.Value(0.5), cr.Value(-10.0)\nloss = 0.0\nfor x, target in ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)):\n"
        "    loss += (cr.relu(w * x + b) - target) ** 2\nloss.backward()",
        "w.grad",
        (
            ("0", 0.0, "right"),
            ("−88, so it will grow", -88.0, "that the error passes the ReLU as if its slope were 1"),
            ("−24, twice the sum of the errors", -24.0, "that the slope of the loss is the gradient of the weight"),
        ),
        "Where its input is negative, the slope of a ReLU is 0, and a gradient times 0 is 0: whatever the error, "
        "nothing reaches the weight. With no example on the other side the neuron is dead. `cr.diagnose` names such "
        "neurons.",
        PLAYGROUND,
    ),
    Item(
        "`where` keeps a nan out of the gradient.",
        "In most libraries, `where(x > 0, sqrt(x), 0)` passes an upstream gradient of 0 to the side that is not "
        "taken, and the square root multiplies it with its slope. What does it hand to x = 0?",
        "x = cr.Value(0.0)\nslope = math.inf  # of the square root, at 0\nupstream = 0.0",
        "upstream * slope",
        (
            ("0, since the side was not taken", 0.0, "that 0 times anything is 0"),
            ("infinity", math.inf, "that the slope wins"),
            ("nan", math.nan, "right"),
        ),
        "0 · ∞ is nan, “not a number”, and nan plus anything is nan: one untaken side spoils all gradients. Here, "
        "`cr.where` passes nothing at all to the side that is not taken. Elsewhere the remedy is a second `where` "
        "inside: `sqrt(where(x > 0, x, 1))`.",
        STEPS,
    ),
    Item(
        "`float()`, `.data` and `math` do no harm inside a loss.",
        "What is `x.grad`?",
        "x = cr.Value(2.0)\ny = x * x + 3.0 * float(x)\ny.backward()",
        "x.grad",
        (
            ("4", 4.0, "right"),
            ("7", 7.0, "that float(x) is still x"),
            ("3", 3.0, "that only the last term counts"),
        ),
        "`float(x)` is a plain number; where it came from is forgotten, so its path brings nothing. The true "
        "derivative is 7. Inside `cr.grad(...)` this is refused with the line, and `cr.diagnose` points at it.",
        WRONG,
    ),
    Item(
        "backward() sees a change that was made after the forward pass.",
        "What is `b.grad`?",
        "a, b = cr.Value(2.0), cr.Value(3.0)\ny = a * b\na.data = 10.0\ny.backward()",
        "b.grad",
        (
            ("2", 2.0, "right"),
            ("10", 10.0, "that backward() reads the number that stands there now"),
            ("3", 3.0, "that the gradient of b is b"),
        ),
        "The local derivatives are those of the forward pass, when `a` was 2. After a change, compute forward again "
        "(`y.refresh()`), then backward.",
        WRONG,
    ),
    Item(
        "Finite differences get better the smaller the step.",
        "The slope of exp at 1, as (f(x + h) − f(x − h)) / 2h. Which h comes closest?",
        "f, steps = math.exp, (1e-2, 1e-5, 1e-8, 1e-13)\n"
        "errors = [abs((f(1 + h) - f(1 - h)) / (2 * h) - math.e) for h in steps]",
        "steps[errors.index(min(errors))]",
        (
            ("0.01", 1e-2, "that larger steps are safer"),
            ("0.00001", 1e-5, "right"),
            ("10⁻⁸", 1e-8, "that the best step for one-sided differences is the best for all"),
            ("10⁻¹³", 1e-13, "that smaller is always better"),
        ),
        "Two errors oppose each other: the curve bends between the two points (less for small h), and the difference"
        " of two nearly equal numbers keeps few digits (fewer for small h). With 16 digits the best h is near 10⁻⁵. "
        "Backpropagation has neither error.",
        BENT,
    ),
    Item(
        "The gradient is the step.",
        "The gradient is 4 and the learning rate 0.1. Where is `w` after one step of gradient descent?",
        "w = cr.Value(2.0)\nloss = w * w\nloss.backward()\nw.data -= 0.1 * w.grad",
        "w.data",
        (
            ("1.6", 1.6, "right"),
            ("−2", -2.0, "that the whole gradient is taken off"),
            ("2.4", 2.4, "that the step goes along the gradient, which points uphill"),
            ("0.4", 0.4, "that the step is the new weight"),
        ),
        "The gradient says in which direction the loss rises, and how steeply. The step goes the other way, and its "
        "length is the gradient times a rate that a person chose: 2 − 0.1 · 4 = 1.6.",
        HOW_MUCH,
    ),
    Item(
        "The update is added.",
        "Somebody writes `w += 0.1 * gradient`. What does the loss w² do in 20 steps from w = 1?",
        "w = cr.Value(1.0)\nlosses = []\nfor _ in range(20):\n    loss = w * w\n    losses.append(loss.data)\n"
        "    w.grad = 0.0\n    loss.backward()\n    w.data += 0.1 * w.grad",
        '"rises" if losses[-1] > losses[0] else "falls"',
        (
            ("it falls, more slowly", "falls", "that the sign is a convention"),
            ("it rises", "rises", "right"),
        ),
        "The gradient points to where the loss grows. Adding it climbs; here the loss grows by (1.2)² in each step. "
        "Only where the error is written as target − output is the minus hidden in the error.",
        WHICH,
    ),
    Item(
        "Minus and division need rules of their own.",
        "y = a / b is a · b⁻¹. What is `b.grad`?",
        "a, b = cr.Value(6.0), cr.Value(2.0)\ny = a * b**-1\ny.backward()",
        "b.grad",
        (
            ("3", 3.0, "that the slope is the quotient"),
            ("0.5", 0.5, "that the slope by b is that by a"),
            ("−1.5", -1.5, "right"),
            ("−0.25", -0.25, "that a plays no part"),
        ),
        "The product passes a = 6 to b⁻¹, and the power's slope is −b⁻² = −¼: 6 · (−¼) = −1.5. In the same way a − b"
        " is a + (−1) · b. The rules of the sum, the product and the power are enough for all four.",
        STEPS,
    ),
    Item(
        "The larger the weight, the larger its gradient.",
        "Two inputs, 100 and 1, and two weights, 0.1 and 50. Which weight has the larger gradient?",
        "w1, w2 = cr.Value(0.1), cr.Value(50.0)\nprice = w1 * 100.0 + w2 * 1.0\nloss = (price - 70.0) ** 2\n"
        "loss.backward()",
        '"w1" if abs(w1.grad) > abs(w2.grad) else "w2"',
        (
            ("w1, on the large input", "w1", "right"),
            ("w2, the large weight", "w2", "that the gradient tells how large a weight is"),
        ),
        "The slope of a weighted sum by a weight is its *input*: 100 against 1. So columns of very different size "
        "get very different steps, which is why data are scaled before training.",
        WHICH,
    ),
    Item(
        "The computer decides what is learned.",
        "Which of these does the training change?",
        "data, rate, w = [(1.0, 2.0), (2.0, 4.0)], 0.1, cr.Value(0.0)\nbefore = (list(data), rate, w.data)\n"
        "for _ in range(100):\n    w.grad = 0.0\n    loss = sum((w * x - y) ** 2 for x, y in data)\n"
        "    loss.backward()\n    w.data -= rate * w.grad",
        '" ".join(n for n, a, b in zip(("data", "rate", "w"), before, (data, rate, w.data)) if a != b)',
        (
            ("w alone", "w", "right"),
            ("w and the learning rate", "rate w", "that training finds its own rate"),
            ("w, the rate and the data", "data rate w", "that training decides about everything"),
        ),
        "The data, the loss, the rate, the form of the model, when to stop: people chose all of them. The computer "
        "finds the weights that make *this* loss small on *these* data.",
        HOW_MUCH,
    ),
)
