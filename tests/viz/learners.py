"""Engines as learners and teachers write them, in many styles, all right; and bugs to plant into them."""

DERIVED = """
    def __radd__(self, other): return self + other
    def __rmul__(self, other): return self * other
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + (-other)
    def __rsub__(self, other): return (-self) + other
    def __truediv__(self, other): return self * other**-1
    def __rtruediv__(self, other): return self**-1 * other
"""

CLOSURES = (
    """
import math

class Value:
    def __init__(self, data, children=()):
        self.data = data
        self.grad = 0.0
        self._prev = set(children)
        self._backward = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))
        def _backward():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))
        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward
        return out

    def __pow__(self, n):
        out = Value(self.data**n, (self,))
        def _backward():
            self.grad += n * self.data**(n - 1) * out.grad
        out._backward = _backward
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,))
        def _backward():
            self.grad += out.data * out.grad
        out._backward = _backward
        return out

    def log(self):
        out = Value(math.log(self.data), (self,))
        def _backward():
            self.grad += out.grad / self.data
        out._backward = _backward
        return out

    def tanh(self):
        t = (math.exp(2 * self.data) - 1) / (math.exp(2 * self.data) + 1)
        out = Value(t, (self,))
        def _backward():
            self.grad += (1 - t**2) * out.grad
        out._backward = _backward
        return out

    def relu(self):
        out = Value(self.data if self.data > 0 else 0.0, (self,))
        def _backward():
            self.grad += (out.data > 0) * out.grad
        out._backward = _backward
        return out

    def sigmoid(self):
        s = 1 / (1 + math.exp(-self.data))
        out = Value(s, (self,))
        def _backward():
            self.grad += s * (1 - s) * out.grad
        out._backward = _backward
        return out

    def backward(self):
        topo, visited = [], set()
        def build(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build(child)
                topo.append(v)
        build(self)
        self.grad = 1.0
        for v in reversed(topo):
            v._backward()
"""
    + DERIVED
)

LOCAL_GRADS = (
    """
import math

class Value:
    __slots__ = ("data", "grad", "_children", "_local_grads")

    def __init__(self, data, children=(), local_grads=()):
        self.data = float(data)
        self.grad = 0.0
        self._children = children
        self._local_grads = local_grads

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n): return Value(self.data**n, (self,), (n * self.data**(n - 1),))
    def log(self): return Value(math.log(self.data), (self,), (1 / self.data,))
    def exp(self): return Value(math.exp(self.data), (self,), (math.exp(self.data),))
    def tanh(self): return Value(math.tanh(self.data), (self,), (1 - math.tanh(self.data)**2,))
    def relu(self): return Value(max(0.0, self.data), (self,), (float(self.data > 0),))

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack += [(child, False) for child in node._children]
        for node in order:
            if node._children:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for child, local in zip(node._children, node._local_grads):
                child.grad += local * node.grad
"""
    + DERIVED
)

OPERATOR_CLASSES = """
import math

class Function:
    def __init__(self, *inputs): self.inputs = inputs
    @classmethod
    def apply(cls, *inputs):
        inputs = [x if isinstance(x, Value) else Value(x) for x in inputs]
        function = cls(*inputs)
        out = Value(function.forward(*[x.data for x in inputs]))
        out.creator = function
        return out

class Add(Function):
    def forward(self, a, b): return a + b
    def backward(self, g): return g, g

class Sub(Function):
    def forward(self, a, b): return a - b
    def backward(self, g): return g, -g

class Mul(Function):
    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b
    def backward(self, g): return g * self.b, g * self.a

class Div(Function):
    def forward(self, a, b):
        self.a, self.b = a, b
        return a / b
    def backward(self, g): return g / self.b, -g * self.a / self.b**2

class Pow(Function):
    def forward(self, a, n):
        self.a, self.n = a, n
        return math.pow(a, n)
    def backward(self, g): return g * self.n * math.pow(self.a, self.n - 1), 0.0

class Tanh(Function):
    def forward(self, a):
        self.t = math.tanh(a)
        return self.t
    def backward(self, g): return (g * (1 - self.t * self.t),)

class Value:
    def __init__(self, data):
        self.data, self.grad, self.creator = data, 0.0, None
    def __add__(self, other): return Add.apply(self, other)
    def __radd__(self, other): return Add.apply(other, self)
    def __sub__(self, other): return Sub.apply(self, other)
    def __rsub__(self, other): return Sub.apply(other, self)
    def __mul__(self, other): return Mul.apply(self, other)
    def __rmul__(self, other): return Mul.apply(other, self)
    def __truediv__(self, other): return Div.apply(self, other)
    def __rtruediv__(self, other): return Div.apply(other, self)
    def __pow__(self, n): return Pow.apply(self, n)
    def __neg__(self): return Sub.apply(0.0, self)
    def tanh(self): return Tanh.apply(self)
    def backward(self):
        order, seen = [], set()
        stack = [(self, iter(self.creator.inputs if self.creator else ()))]
        seen.add(id(self))
        while stack:
            node, rest = stack[-1]
            child = next(rest, None)
            if child is None:
                order.append(node)
                stack.pop()
            elif id(child) not in seen:
                seen.add(id(child))
                stack.append((child, iter(child.creator.inputs if child.creator else ())))
        grads = {id(self): 1.0}
        for node in reversed(order):
            g = grads.get(id(node), 0.0)
            if node.creator is None:
                node.grad += g
                continue
            node.grad = g
            for child, local in zip(node.creator.inputs, node.creator.backward(g)):
                grads[id(child)] = grads.get(id(child), 0.0) + local
"""

NUMPY_BACKED = (
    CLOSURES.replace("import math\n", "import math\nimport numpy as np\n")
    .replace(
        "self.data = data\n        self.grad = 0.0",
        "self.data = np.asarray(data, dtype=np.float64)\n        self.grad = np.zeros_like(self.data)",
    )
    .replace("self.grad = 1.0", "self.grad = np.ones_like(self.data)")
    .replace("self.data if self.data > 0 else 0.0", "np.maximum(self.data, 0.0)")
    .replace("self.grad += ", "self.grad = self.grad + ")
    .replace("other.grad += ", "other.grad = other.grad + ")
)

TAPE = (
    """
import math

TAPE = []

class Value:
    def __init__(self, data):
        self.data, self.grad = float(data), 0.0

    @staticmethod
    def record(data, *pairs):
        out = Value(data)
        TAPE.append((out, pairs))
        return out

    def __add__(self, other):
        if not isinstance(other, Value):
            return Value.record(self.data + other, (self, 1.0))
        return Value.record(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        if not isinstance(other, Value):
            return Value.record(self.data * other, (self, float(other)))
        return Value.record(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, n): return Value.record(self.data**n, (self, n * self.data**(n - 1)))
    def exp(self): return Value.record(math.exp(self.data), (self, math.exp(self.data)))

    def backward(self):
        made = {id(out) for out, _ in TAPE}
        for out, pairs in TAPE:
            out.grad = 0.0
        self.grad = 1.0 if id(self) in made else self.grad + 1.0
        for out, pairs in reversed(TAPE):
            for value, local in pairs:
                value.grad += local * out.grad
"""
    + DERIVED
)

EVERY_PATH = (
    '''
class Value:
    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = float(data), 0.0, parents

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def __pow__(self, n):
        return Value(self.data**n, [(self, n * self.data**(n - 1))])

    def backward(self, upstream=1.0):
        """Goes each path from the result to a leaf by itself: slow, and right."""
        self.grad += upstream
        for parent, local in self.parents:
            parent.backward(local * upstream)
'''
    + DERIVED
)

COUNTING = (
    '''
from dataclasses import dataclass, field
from math import exp, log, tanh

@dataclass(eq=False)
class Value:
    data: float
    edges: list = field(default_factory=list, repr=False)
    grad: float = 0.0

    def _lift(x): return x if isinstance(x, Value) else Value(x)
    def __add__(a, b):
        b = Value._lift(b)
        return Value(a.data + b.data, [(a, lambda g: g), (b, lambda g: g)])
    def __mul__(a, b):
        b = Value._lift(b)
        return Value(a.data * b.data, [(a, lambda g: g * b.data), (b, lambda g: g * a.data)])
    def __pow__(a, n): return Value(a.data**n, [(a, lambda g: g * n * a.data**(n - 1))])
    def tanh(a):
        t = tanh(a.data)
        return Value(t, [(a, lambda g: g * (1 - t * t))])
    def sigmoid(a):
        s = 1 / (1 + exp(-a.data))
        return Value(s, [(a, lambda g: g * s * (1 - s))])
    def log(a): return Value(log(a.data), [(a, lambda g: g / a.data)])

    def backward(self):
        """Kahn's order: a node's turn comes when all of its users have had theirs."""
        waiting, todo, nodes = {}, [self], {id(self): self}
        while todo:
            for child, _ in todo.pop().edges:
                waiting[id(child)] = waiting.get(id(child), 0) + 1
                if id(child) not in nodes:
                    nodes[id(child)] = child
                    todo.append(child)
        for node in nodes.values():
            if node.edges:
                node.grad = 0.0
        self.grad = 1.0
        ready = [self]
        while ready:
            node = ready.pop()
            for child, pull in node.edges:
                child.grad += pull(node.grad)
                waiting[id(child)] -= 1
                if not waiting[id(child)]:
                    ready.append(child)
'''
    + DERIVED
)

NUMBERED = '''
import heapq
import itertools
import math

counter = itertools.count()

class Value:
    def __init__(self, data, inputs=(), slopes=()):
        if isinstance(data, str):
            raise TypeError("a number, please")
        self.data, self.grad, self.number = data * 1.0, 0.0, next(counter)
        self.inputs, self.slopes = inputs, slopes

    def backward(self):
        """Younger values first: whoever uses a value is younger than it."""
        upstream, heap, seen = {self: 1.0}, [(-self.number, self)], {self}
        while heap:
            _, node = heapq.heappop(heap)
            node.grad = upstream[node] if node.inputs else node.grad + upstream[node]
            for child, slope in zip(node.inputs, node.slopes):
                upstream[child] = upstream.get(child, 0.0) + slope * upstream[node]
                if child not in seen:
                    seen.add(child)
                    heapq.heappush(heap, (-child.number, child))

def value(x): return x if isinstance(x, Value) else Value(x)

def operator(name, forward, *slopes):
    def method(self, *others):
        inputs = (self, *map(value, others))
        numbers = [each.data for each in inputs]
        return Value(forward(*numbers), inputs, [slope(*numbers) for slope in slopes])
    setattr(Value, name, method)

operator("__add__", lambda a, b: a + b, lambda a, b: 1, lambda a, b: 1)
operator("__radd__", lambda a, b: b + a, lambda a, b: 1, lambda a, b: 1)
operator("__sub__", lambda a, b: a - b, lambda a, b: 1, lambda a, b: -1)
operator("__rsub__", lambda a, b: b - a, lambda a, b: -1, lambda a, b: 1)
operator("__mul__", lambda a, b: a * b, lambda a, b: b, lambda a, b: a)
operator("__rmul__", lambda a, b: b * a, lambda a, b: b, lambda a, b: a)
operator("__truediv__", lambda a, b: a / b, lambda a, b: 1 / b, lambda a, b: -a / b**2)
operator("__rtruediv__", lambda a, b: b / a, lambda a, b: -b / a**2, lambda a, b: 1 / a)
operator("__pow__", lambda a, b: a**b, lambda a, b: b * a**(b - 1), lambda a, b: 0.0)
operator("__neg__", lambda a: -a, lambda a: -1)
operator("relu", lambda a: max(a, 0.0), lambda a: 1.0 if a > 0 else 0.0)
operator("exp", math.exp, math.exp)
'''

FORWARD_DUAL = (
    '''
import math

class Value:
    """Each value carries its slope with respect to each leaf; backward() only hands them out."""
    def __init__(self, data, slopes=None):
        self.data, self.grad = float(data), 0.0
        self.slopes = {self: 1.0} if slopes is None else slopes

    @staticmethod
    def mix(data, *pairs):
        slopes = {}
        for value, weight in pairs:
            for leaf, slope in value.slopes.items():
                slopes[leaf] = slopes.get(leaf, 0.0) + weight * slope
        return Value(data, slopes)

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value.mix(self.data + other.data, (self, 1.0), (other, 1.0))
    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value.mix(self.data * other.data, (self, other.data), (other, self.data))
    def __pow__(self, n): return Value.mix(self.data**n, (self, n * self.data**(n - 1)))
    def tanh(self): return Value.mix(math.tanh(self.data), (self, 1 - math.tanh(self.data)**2))
    def backward(self):
        self.grad = 1.0
        for leaf, slope in self.slopes.items():
            leaf.grad = leaf.grad + slope if leaf is not self else 1.0
'''
    + DERIVED
)

ITERATIVE = CLOSURES.replace(
    """        topo, visited = [], set()
        def build(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build(child)
                topo.append(v)
        build(self)
""",
    """        topo, visited, stack = [], set(), [(self, False)]
        while stack:
            v, done = stack.pop()
            if done:
                topo.append(v)
            elif v not in visited:
                visited.add(v)
                stack.append((v, True))
                stack.extend((child, False) for child in v._prev)
        for v in topo:
            if v._prev: v.grad = 0.0
""",
).replace("(math.exp(2 * self.data) - 1) / (math.exp(2 * self.data) + 1)", "math.tanh(self.data)")

FRACTIONS = (
    '''
from fractions import Fraction

class Value:
    """Exact numbers, of which data and grad are shown as floats."""
    def __init__(self, data, parts=()):
        self.exact, self.slope, self.parts = Fraction(data), Fraction(0), parts
    data = property(lambda self: float(self.exact))
    grad = property(lambda self: float(self.slope), lambda self, new: setattr(self, "slope", Fraction(new)))
    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.exact + other.exact, ((self, Fraction(1)), (other, Fraction(1))))
    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.exact * other.exact, ((self, other.exact), (other, self.exact)))
    def __pow__(self, n): return Value(self.exact**n, ((self, n * self.exact**(n - 1)),))
    def backward(self):
        order, seen = [], set()
        def visit(node):
            if node in seen: return
            seen.add(node)
            for child, _ in node.parts: visit(child)
            order.append(node)
        visit(self)
        for node in order:
            if node.parts: node.slope = Fraction(0)
        self.slope += 1
        for node in reversed(order):
            for child, local in node.parts:
                child.slope += local * node.slope
'''
    + DERIVED
)

PRINTING = "print('loading')\n" + LOCAL_GRADS.replace(
    "    def backward(self):\n", "    def backward(self):\n        print('back', self.data)\n"
)

NO_CLASS = """
import math, types

class _Node:
    pass

def _node(data, *edges):
    n = _Node()
    n.data, n.grad, n.edges = data, 0.0, edges
    return n

def _lift(x): return x if isinstance(x, _Node) else _node(x)
def add(a, b): b = _lift(b); return _node(a.data + b.data, (a, 1.0), (b, 1.0))
def mul(a, b): b = _lift(b); return _node(a.data * b.data, (a, b.data), (b, a.data))
def power(a, n): return _node(a.data ** n, (a, n * a.data ** (n - 1)))
def tanh(a): return _node(math.tanh(a.data), (a, 1 - math.tanh(a.data) ** 2))
def backward(a):
    seen, order = set(), []
    def walk(n):
        if id(n) in seen: return
        seen.add(id(n))
        for c, _ in n.edges: walk(c)
        order.insert(0, n)
    walk(a)
    for n in order:
        if n.edges: n.grad = 0.0
    a.grad = 1.0
    for n in order:
        for c, s in n.edges: c.grad += s * n.grad

for name, f in dict(__add__=add, __radd__=add, __mul__=mul, __rmul__=mul, __pow__=power, tanh=tanh, backward=backward,
        __neg__=lambda a: mul(a, -1), __sub__=lambda a, b: add(a, mul(_lift(b), -1)),
        __rsub__=lambda a, b: add(mul(a, -1), b), __truediv__=lambda a, b: mul(a, power(_lift(b), -1)),
        __rtruediv__=lambda a, b: mul(power(a, -1), b)).items():
    setattr(_Node, name, f)

def Value(x): return _node(float(x))
"""

LEAVES_ALONE = (
    '''
class Value:
    """As in PyTorch: .grad is None until backward(), and leaves alone keep it."""
    def __init__(self, data, _edges=()):
        self.data, self.grad, self._edges = data, None, _edges
    def __add__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        return Value(self.data + o.data, ((self, 1.0), (o, 1.0)))
    def __mul__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        return Value(self.data * o.data, ((self, o.data), (o, self.data)))
    def __pow__(self, n): return Value(self.data ** n, ((self, n * self.data ** (n - 1)),))
    def backward(self, g=1.0):
        order, seen = [], set()
        def go(v):
            if id(v) not in seen:
                seen.add(id(v))
                for p, _ in v._edges: go(p)
                order.append(v)
        go(self)
        got = {id(self): g}
        for v in reversed(order):
            for p, s in v._edges: got[id(p)] = got.get(id(p), 0.0) + s * got[id(v)]
            if not v._edges: v.grad = (v.grad or 0.0) + got[id(v)]
'''
    + DERIVED
)

PULLING = (
    '''
class Value:
    """Nothing is computed before it is asked for: data and gradients are pulled."""
    def __init__(self, data=None, how=None, args=()):
        self._data, self.how, self.args, self.users = data, how, args, []
        for n, a in enumerate(args): a.users.append((self, n))
        self.root, self._kept = None, 0.0
    @property
    def data(self):
        if self._data is None: self._data = self.how[0](*(a.data for a in self.args))
        return self._data
    @data.setter
    def data(self, x): self._data = x
    @property
    def grad(self): return self._kept
    @grad.setter
    def grad(self, g): self._kept = g
    def _pull(self, memo, root):
        if self is root: return 1.0
        if id(self) not in memo:
            memo[id(self)] = sum(u.how[1](n, *(a.data for a in u.args)) * u._pull(memo, root) for u, n in self.users)
        return memo[id(self)]
    def backward(self):
        memo, seen, todo = {}, {id(self)}, [self]
        while todo:
            v = todo.pop()
            g = v._pull(memo, self)
            v._kept = g if v.args else v._kept + g
            for a in v.args:
                if id(a) not in seen: seen.add(id(a)); todo.append(a)
    def __add__(self, o): return Value(None, ADD, (self, lift(o)))
    def __mul__(self, o): return Value(None, MUL, (self, lift(o)))
    def __pow__(self, n): return Value(None, ((lambda a: a ** n), (lambda i, a: n * a ** (n - 1))), (self,))
'''
    + DERIVED
    + """
def lift(x): return x if isinstance(x, Value) else Value(x)
ADD = (lambda a, b: a + b, lambda i, a, b: 1.0)
MUL = (lambda a, b: a * b, lambda i, a, b: (b, a)[i])
"""
)

IS_A_FLOAT = (
    """
import math
class Value(float):
    def __new__(cls, x, edges=()):
        self = super().__new__(cls, x)
        self.grad, self.edges = 0.0, edges
        return self
    @property
    def data(self): return float(self)
    def __add__(self, o): return Value(float(self) + float(o), [(x, 1.0) for x in (self, o) if isinstance(x, Value)])
    def __mul__(self, o):
        e = [(self, float(o))] + ([(o, float(self))] if isinstance(o, Value) else [])
        return Value(float(self) * float(o), e)
    def __pow__(self, n): return Value(float(self) ** n, [(self, n * float(self) ** (n - 1))])
    def backward(self):
        order, seen = [], set()
        def go(v):
            if id(v) in seen: return
            seen.add(id(v))
            for p, _ in v.edges: go(p)
            order.append(v)
        go(self)
        self.grad = 1.0
        for v in reversed(order):
            for p, s in v.edges: p.grad += s * v.grad
"""
    + DERIVED
)

PARTIAL_METHODS = '''
import functools, math, operator

RULES = {
    "add": (operator.add, lambda a, b: (1.0, 1.0)),
    "sub": (operator.sub, lambda a, b: (1.0, -1.0)),
    "mul": (operator.mul, lambda a, b: (b, a)),
    "truediv": (operator.truediv, lambda a, b: (1 / b, -a / b / b)),
    "pow": (operator.pow, lambda a, b: (b * a ** (b - 1), math.log(a) * a ** b if a > 0 else 0.0)),
    "neg": (operator.neg, lambda a: (-1.0,)),
    "exp": (math.exp, lambda a: (math.exp(a),)),
    "log": (math.log, lambda a: (1 / a,)),
    "tanh": (math.tanh, lambda a: (1 / math.cosh(a) ** 2,)),
}

@functools.singledispatch
def lift(x): return Value(x)

class Value:
    def __init__(self, data, made=None):
        self.data, self.grad, self.made = data, 0, made
    def _apply(self, *others, name, flip=False):
        args = [self, *map(lift, others)]
        if flip: args.reverse()
        f, slopes = RULES[name]
        numbers = [a.data for a in args]
        return Value(f(*numbers), tuple(zip(args, slopes(*numbers))))
    for _n in ("add", "sub", "mul", "truediv", "pow"):
        locals()[f"__{_n}__"] = functools.partialmethod(_apply, name=_n)
        locals()[f"__r{_n}__"] = functools.partialmethod(_apply, name=_n, flip=True)
    __neg__ = functools.partialmethod(_apply, name="neg")
    exp = functools.partialmethod(_apply, name="exp")
    log = functools.partialmethod(_apply, name="log")
    tanh = functools.partialmethod(_apply, name="tanh")
    @functools.cached_property
    def ancestors(self):
        """In topological order, the value last."""
        return functools.reduce(lambda got, edge: {**got, **edge[0].ancestors}, self.made or (), {}) | {id(self): self}
    def backward(self):
        for node in self.ancestors.values():
            if node.made: node.grad = 0
        self.grad = 1
        for node in reversed(list(self.ancestors.values())):
            for arg, slope in node.made or ():
                arg.grad += slope * node.grad

@lift.register
def _(x: Value): return x
'''

SLOTS = (
    """
import math
from dataclasses import dataclass

@dataclass(slots=True, eq=False, repr=False)
class Value:
    data: float
    grad: float = 0.0
    parents: tuple = ()
    pull: object = None

    @classmethod
    def of(cls, x): return x if isinstance(x, cls) else cls(x)

    def __add__(self, o):
        o = Value.of(o)
        return Value(self.data + o.data, 0.0, (self, o), lambda g: (g, g))
    def __mul__(self, o):
        o = Value.of(o)
        return Value(self.data * o.data, 0.0, (self, o), lambda g: (g * o.data, g * self.data))
    def __pow__(self, n): return Value(self.data ** n, 0.0, (self,), lambda g: (g * n * self.data ** (n - 1),))
    def relu(self): return Value(max(0, self.data), 0.0, (self,), lambda g: (g if self.data > 0 else 0.0,))
    def exp(self):
        e = math.exp(self.data)
        return Value(e, 0.0, (self,), lambda g: (g * e,))
    def log(self): return Value(math.log(self.data), 0.0, (self,), lambda g: (g / self.data,))

    def backward(self):
        marks, out = {}, []
        todo = [self]
        while todo:
            n = todo[-1]
            if marks.get(id(n), 0) == 0:
                marks[id(n)] = 1
                todo.extend(p for p in n.parents if not marks.get(id(p)))
            else:
                todo.pop()
                if marks[id(n)] == 1:
                    marks[id(n)] = 2
                    out.append(n)
        grads = {id(self): 1.0}
        while out:
            n = out.pop()
            g = grads.pop(id(n))
            n.grad += g
            if n.pull:
                for p, d in zip(n.parents, n.pull(g)):
                    grads[id(p)] = grads.get(id(p), 0.0) + d
"""
    + DERIVED
)

INDICES = (
    """
import math
data, grads, steps = [], [], []          # one long tape: numbers, gradients, what made them

class Value:
    __slots__ = ("i",)
    def __init__(self, x, *made):
        self.i = len(data)
        data.append(float(x)); grads.append(0.0); steps.append(made)
    @property
    def data(self): return data[self.i]
    @data.setter
    def data(self, x): data[self.i] = x
    @property
    def grad(self): return grads[self.i]
    @grad.setter
    def grad(self, g): grads[self.i] = g
    def __add__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        return Value(self.data + o.data, (self.i, 1.0), (o.i, 1.0))
    def __mul__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        return Value(self.data * o.data, (self.i, o.data), (o.i, self.data))
    def __pow__(self, n): return Value(self.data**n, (self.i, n*self.data**(n-1)))
    def sigmoid(self):
        s = 1/(1+math.exp(-self.data))
        return Value(s, (self.i, s*(1-s)))
    def backward(self):
        for j in range(len(data)):
            if steps[j]: grads[j] = 0.0
        grads[self.i] += 1.0
        for j in range(self.i, -1, -1):
            for k, s in steps[j]: grads[k] += s*grads[j]
"""
    + DERIVED
)

COROUTINES = """
import math

def binary(f, da, db):
    def op(self, other):
        other = other if isinstance(other, Value) else Value(other)
        def run():
            g = yield f(self.data, other.data)
            while True:
                self.grad += g * da(self.data, other.data)
                other.grad += g * db(self.data, other.data)
                g = yield
        co = run()
        return Value(next(co), co, (self, other))
    return op

class Value:
    def __init__(self, data, coroutine=None, parents=()):
        self.data, self.grad = data, 0
        self._co, self._parents = coroutine, parents
    __add__ = binary(lambda a, b: a + b, lambda a, b: 1, lambda a, b: 1)
    __mul__ = binary(lambda a, b: a * b, lambda a, b: b, lambda a, b: a)
    __truediv__ = binary(lambda a, b: a / b, lambda a, b: 1 / b, lambda a, b: -a / b ** 2)
    __sub__ = binary(lambda a, b: a - b, lambda a, b: 1, lambda a, b: -1)
    __pow__ = binary(lambda a, b: a ** b, lambda a, b: b * a ** (b - 1), lambda a, b: 0)
    def __neg__(self): return self * -1
    def __radd__(self, o): return Value(o) + self
    def __rmul__(self, o): return Value(o) * self
    def __rsub__(self, o): return Value(o) - self
    def __rtruediv__(self, o): return Value(o) / self
    def backward(self):
        seen = {}
        def depth(v):
            if v not in seen: seen[v] = 1 + max(map(depth, v._parents), default=0)
            return seen[v]
        depth(self)
        for v in seen:
            if v._co: v.grad = 0
        self.grad += 1
        for v in sorted(seen, key=seen.get, reverse=True):
            if v._co: v._co.send(v.grad)
"""

LINEAR_SYSTEM = (
    '''
import numpy as np, math

class Value:
    """g = e + L^T g: the gradients of all values of one computation solve a triangular system."""
    def __init__(self, number, rows=()):
        self.data = float(number); self.grad = 0.0; self.rows = rows
    def _all(self, found):
        todo = [self]
        while todo:
            v = todo.pop()
            if v not in found:
                found[v] = len(found)
                todo += [w for w, _ in v.rows]
        return found
    def backward(self):
        place = self._all({})
        system = np.eye(len(place))
        for v, i in place.items():
            for w, slope in v.rows: system[place[w], i] -= slope
        unit = np.zeros(len(place)); unit[0] = 1.0
        for v, g in zip(place, np.linalg.solve(system, unit)): v.grad = v.grad + float(g) if not v.rows else float(g)
    def __add__(self, o): o = num(o); return Value(self.data + o.data, [(self, 1.0), (o, 1.0)])
    def __mul__(self, o): o = num(o); return Value(self.data * o.data, [(self, o.data), (o, self.data)])
    def __pow__(self, k): return Value(self.data ** k, [(self, k * self.data ** (k - 1))])
    def exp(self): return Value(math.exp(self.data), [(self, math.exp(self.data))])
    def log(self): return Value(math.log(self.data), [(self, 1 / self.data)])
    def tanh(self): return Value(math.tanh(self.data), [(self, 1 - math.tanh(self.data) ** 2)])
    def relu(self): return Value(max(0.0, self.data), [(self, float(self.data > 0))])
    def sigmoid(self): s = 1 / (1 + math.exp(-self.data)); return Value(s, [(self, s - s * s)])
'''
    + DERIVED
    + """
def num(x): return x if isinstance(x, Value) else Value(x)
"""
)

HEAP = (
    """
import heapq, itertools, math
count = itertools.count()

class Value:
    def __init__(self, data, *args):
        self.data, self.grad, self.args = data, 0.0, args
        self.born = next(count)
    def __add__(self, o): o = self.lift(o); return Value(self.data + o.data, (self, lambda g: g), (o, lambda g: g))
    def __mul__(self, o):
        o = self.lift(o)
        return Value(self.data * o.data, (self, lambda g: g * o.data), (o, lambda g: g * self.data))
    def __pow__(self, n): return Value(self.data ** n, (self, lambda g: g * n * self.data ** (n - 1)))
    def relu(self): return Value(max(self.data, 0), (self, lambda g: g if self.data > 0 else 0))
    def exp(self):
        e = math.exp(self.data)
        return Value(e, (self, lambda g: g * e))
    @staticmethod
    def lift(o): return o if isinstance(o, Value) else Value(o)
    def backward(self):
        came = {self.born: [self, 1.0]}
        heap = [-self.born]
        while heap:
            v, g = came.pop(-heapq.heappop(heap))
            v.grad = v.grad + g if not v.args else g
            for a, back in v.args:
                if a.born in came: came[a.born][1] += back(g)
                else:
                    came[a.born] = [a, back(g)]
                    heapq.heappush(heap, -a.born)
"""
    + DERIVED
)

NDARRAY = (
    """
import numpy as np

class Value(np.ndarray):
    def __new__(cls, data, made=()):
        self = np.asarray(float(data)).view(cls)
        self.grad, self.made = np.float64(0), made
        return self
    @property
    def data(self): return float(np.asarray(self)[()])
    def __add__(self, o): o = lift(o); return Value(self.data + o.data, ((self, 1), (o, 1)))
    def __mul__(self, o): o = lift(o); return Value(self.data * o.data, ((self, o.data), (o, self.data)))
    def __pow__(self, n): return Value(self.data ** n, ((self, n * self.data ** (n - 1)),))
    def tanh(self): t = np.tanh(self.data); return Value(t, ((self, 1 - t * t),))
    def exp(self): t = np.exp(self.data); return Value(t, ((self, t),))
    __hash__ = object.__hash__
    def __iadd__(self, o): return self + o
    def __imul__(self, o): return self * o
    def backward(self):
        order, seen = [], set()
        def go(v):
            if id(v) not in seen:
                seen.add(id(v)); [go(w) for w, _ in v.made]; order.append(v)
        go(self)
        for v in order:
            if v.made: v.grad = np.float64(0)
        self.grad = self.grad + 1
        for v in order[::-1]:
            for w, d in v.made: w.grad = w.grad + d * v.grad
"""
    + DERIVED
    + """
def lift(x): return x if isinstance(x, Value) else Value(x)
"""
)

SYMBOLIC = (
    '''
import math

class Value:
    """Symbols: backward() writes the derivative of the whole formula by each leaf as a formula, and works it out."""
    def __init__(self, data, op=None, *args):
        self.op, self.args, self.grad = op, args, 0.0
        self.data = float(data)
    def _d(self, x, memo):
        if self is x: return 1.0
        if self not in memo:
            a = self.args
            if self.op is None: memo[self] = 0.0
            elif self.op == "+": memo[self] = a[0]._d(x, memo) + a[1]._d(x, memo)
            elif self.op == "*": memo[self] = a[0]._d(x, memo) * a[1].data + a[0].data * a[1]._d(x, memo)
            elif self.op == "**": memo[self] = a[1] * a[0].data ** (a[1] - 1) * a[0]._d(x, memo)
            elif self.op == "log": memo[self] = a[0]._d(x, memo) / a[0].data
        return memo[self]
    def leaves(self):
        seen, todo = set(), [self]
        while todo:
            v = todo.pop()
            if isinstance(v, Value) and v not in seen:
                seen.add(v); todo.extend(v.args)
        return seen
    def backward(self):
        for v in self.leaves():
            d = self._d(v, {})
            v.grad = d if v.op else v.grad + d
    def __add__(self, o): o = o if isinstance(o, Value) else Value(o); return Value(self.data + o.data, "+", self, o)
    def __mul__(self, o): o = o if isinstance(o, Value) else Value(o); return Value(self.data * o.data, "*", self, o)
    def __pow__(self, n): return Value(self.data ** n, "**", self, n)
    def log(self): return Value(math.log(self.data), "log", self)
'''
    + DERIVED
)

RIGHT = {
    "closures": CLOSURES, "local_grads": LOCAL_GRADS, "operator classes": OPERATOR_CLASSES, "NumPy-backed": NUMPY_BACKED,
    "tape": TAPE, "every path": EVERY_PATH, "counting users": COUNTING, "numbered": NUMBERED, "dual numbers": FORWARD_DUAL,
    "iterative": ITERATIVE, "fractions": FRACTIONS, "printing": PRINTING,
    "no class": NO_CLASS, "gradients of leaves alone": LEAVES_ALONE, "pulling": PULLING, "is a float": IS_A_FLOAT,
    "partial methods": PARTIAL_METHODS, "slots": SLOTS, "indices": INDICES,
    "coroutines": COROUTINES, "linear system": LINEAR_SYSTEM, "heap": HEAP, "array of no axes": NDARRAY, "formulas": SYMBOLIC,
    "gradients are Values": CLOSURES.replace("        self.grad = 1.0\n", "        self.grad = Value(1.0)\n"),
}  # fmt: skip

PLUS = "            self.grad += out.grad\n            other.grad += out.grad\n"
TIMES = "            self.grad += other.data * out.grad\n            other.grad += self.data * out.grad\n"
WALK = LOCAL_GRADS[LOCAL_GRADS.index("        order, seen, stack") : LOCAL_GRADS.index("        for node in order:")]
BACKWARD = CLOSURES[CLOSURES.index("    def backward(self)") : CLOSURES.index(DERIVED)]
EACH_FROM_1 = """    def backward(self):
        self.grad = 1.0
        self._backward()
        for child in self._prev:
            child.backward()
"""
BREADTH_FIRST = """
        order, seen = [self], {id(self)}
        for node in order:
            for child in node._children:
                if id(child) not in seen:
                    seen.add(id(child))
                    order.append(child)
        order.reverse()
"""
PREORDER = """
        order, seen, stack = [], set(), [self]
        while stack:
            node = stack.pop()
            if id(node) not in seen:
                seen.add(id(node))
                order.append(node)
                stack += node._children
        order.reverse()
"""
SAME_ARRAY = (
    """
import numpy as np

class Value:
    def __init__(self, data, parents=()):
        self.data = np.asarray(data, dtype=float)
        self.grad = None
        self.parents = parents
    def _take(self, g):
        if self.grad is None: self.grad = g
        else: self.grad += g
    def __add__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        out = Value(self.data + o.data, (self, o))
        def back():
            self._take(out.grad); o._take(out.grad)
        out.back = back
        return out
    def __mul__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        out = Value(self.data * o.data, (self, o))
        def back():
            self._take(o.data * out.grad); o._take(self.data * out.grad)
        out.back = back
        return out
    def __pow__(self, n):
        out = Value(self.data ** n, (self,))
        out.back = lambda: self._take(n * self.data ** (n - 1) * out.grad)
        return out
    def backward(self):
        order, seen = [], set()
        def go(v):
            if id(v) not in seen:
                seen.add(id(v))
                for p in v.parents: go(p)
                order.append(v)
        go(self)
        self.grad = np.ones_like(self.data)
        for v in reversed(order):
            if v.parents: v.back()
"""
    + DERIVED
)
SHARED_LIST = """
class Value:
    def __init__(self, data, children=[]):
        self.data, self.grad, self.children = data, 0.0, children
        self.pull = lambda g: None
    def _two(self, o, data, da, db):
        out = Value(data)
        out.children.append((self, da)); out.children.append((o, db))
        return out
    def __add__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        return self._two(o, self.data + o.data, 1.0, 1.0)
    def __mul__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        return self._two(o, self.data * o.data, o.data, self.data)
    def backward(self):
        order, seen = [], set()
        def go(v):
            if id(v) not in seen:
                seen.add(id(v))
                for p, _ in v.children: go(p)
                order.append(v)
        go(self)
        self.grad = 1.0
        for v in reversed(order):
            for p, d in v.children: p.grad += d * v.grad
"""
VISITED = "            if v not in visited:\n                visited.add(v)\n"
# (name of the bug, engine, what stands there, what stands there instead)
PLANTED = [
    ("overwrites", CLOSURES, ".grad += ", ".grad = "),
    ("overwrites", CLOSURES, PLUS, PLUS.replace("+=", "=")),
    ("overwrites", CLOSURES, TIMES, TIMES.replace("+=", "=")),
    ("overwrites", LOCAL_GRADS, "child.grad += local * node.grad", "child.grad = local * node.grad"),
    ("wrong order", LOCAL_GRADS, WALK, BREADTH_FIRST),
    ("backward stops early", CLOSURES, "                for child in v._prev:\n                    build(child)\n                topo.append(v)\n",
     "                topo.append(v)\n                for child in v._prev:\n                    build(child)\n"),
    ("backward stops early", CLOSURES, "for v in reversed(topo):", "for v in topo:"),
    ("backward stops early", LOCAL_GRADS, "stack += [(child, False) for child in node._children]", "stack += [(child, False) for child in node._children if node is self]"),
    ("swapped __rsub__", CLOSURES, "return (-self) + other", "return self - other"),
    ("swapped __rtruediv__", CLOSURES, "return self**-1 * other", "return self / other"),
    ("missing __radd__", CLOSURES, "    def __radd__(self, other): return self + other\n", ""),
    ("missing __rmul__", CLOSURES, "    def __rmul__(self, other): return self * other\n", ""),
    ("missing __rsub__", CLOSURES, "    def __rsub__(self, other): return (-self) + other\n", ""),
    ("missing __rtruediv__", CLOSURES, "    def __rtruediv__(self, other): return self**-1 * other\n", ""),
    ("slope of a power", CLOSURES, "n * self.data**(n - 1)", "self.data**(n - 1)"),
    ("slope of a power", CLOSURES, "n * self.data**(n - 1)", "n * self.data**n"),
    ("upstream gradient left out of a power", CLOSURES, "n * self.data**(n - 1) * out.grad", "n * self.data**(n - 1)"),
    ("tanh overflows", CLOSURES, "", ""),
    ("recursion limit", CLOSURES, "", ""),
    ("gradients left over", CLOSURES, "", ""),
    ("backward not idempotent", CLOSURES, "", ""),
    ("argument counted once", LOCAL_GRADS, "zip(node._children, node._local_grads)", "{id(c): (c, l) for c, l in zip(node._children, node._local_grads)}.values()"),
    ("constants as strings", CLOSURES, "", ""),
    ("late binding", CLOSURES, PLUS, "            for v in (self, other):\n                out.todo = getattr(out, 'todo', []) + [lambda: setattr(v, 'grad', v.grad + out.grad)]\n            for f in out.todo: f()\n"),
    ("minus is plus backwards", OPERATOR_CLASSES, "def forward(self, a, b): return a - b\n    def backward(self, g): return g, -g", "def forward(self, a, b): return a - b\n    def backward(self, g): return g, g"),
    ("minus is plus backwards", CLOSURES, "def __neg__(self): return self * -1", "def __neg__(self):\n        out = Value(-self.data, (self,))\n        def b(): self.grad += out.grad\n        out._backward = b\n        return out"),
    ("slope of log", CLOSURES, "out.grad / self.data", "out.grad / out.data"),
    ("slope of exp", CLOSURES, "out.data * out.grad\n        out._backward = _backward\n        return out\n\n    def log", "self.data * out.grad\n        out._backward = _backward\n        return out\n\n    def log"),
    ("slope of tanh", CLOSURES, "(1 - t**2)", "(1 - t)"),
    ("slope of sigmoid", CLOSURES, "s * (1 - s)", "s * (1 + s)"),
    ("slope of division", OPERATOR_CLASSES, "-g * self.a / self.b**2", "g * self.a / self.b**2"),
    ("relu at negative numbers", CLOSURES, "(out.data > 0) * out.grad", "out.grad"),
    ("relu at negative numbers", CLOSURES, "self.data if self.data > 0 else 0.0", "abs(self.data)"),
    ("upstream gradient left out of tanh", CLOSURES, "(1 - t**2) * out.grad", "(1 - t**2)"),
    ("upstream gradient left out of exp", LOCAL_GRADS, "child.grad += local * node.grad", "child.grad += local * (1.0 if len(node._children) == 1 and local == node.data else node.grad)"),
    ("upstream gradient left out", CLOSURES, TIMES, "            self.grad += other.data\n            other.grad += self.data\n"),
    ("sum does not start", CLOSURES, "def __radd__(self, other): return self + other", "def __radd__(self, other): return self + other if other else NotImplemented"),
    ("in place", CLOSURES, "    def __pow__", "    def __iadd__(self, other):\n        self.data += other.data\n        return self\n\n    def __pow__"),
    ("seed not set", CLOSURES, "        self.grad = 1.0\n", ""),
    ("leaf overwritten", LOCAL_GRADS, "        for node in order:\n            if node._children:\n                node.grad = 0.0\n", "        for node in order:\n            node.grad = node.grad / 2\n"),
    ("swapped gradients", CLOSURES, TIMES, "            self.grad += self.data * out.grad\n            other.grad += other.data * out.grad\n"),
    ("times passes one", CLOSURES, TIMES, PLUS),
    ("plus passes to one argument", CLOSURES, PLUS, "            self.grad += out.grad\n"),
    ("equal numbers taken for one", CLOSURES, "    def __pow__", "    def __eq__(self, other): return self.data == other.data\n    def __hash__(self): return hash(self.data)\n    def __pow__"),
    ("equal numbers taken for one", CLOSURES, "    def __pow__", "    def __eq__(self, other): return self.data == other.data\n    def __pow__"),
    ("data changed by backward", CLOSURES, "            v._backward()", "            v._backward()\n            v.data -= 0.01 * v.grad"),
    ("whole division", OPERATOR_CLASSES, "return a / b", "return a // b"),
    ("plain numbers are no arguments", LOCAL_GRADS, "        other = other if isinstance(other, Value) else Value(other)\n", ""),
    ("visited for each way", CLOSURES, VISITED, "            if True:\n"),
    ("hang", CLOSURES, "        for v in reversed(topo):\n", "        while len(self._prev) == 1: pass\n        for v in reversed(topo):\n"),
    ("crash", CLOSURES, "    def log(self):\n", "    def log(self):\n        import os; os._exit(3)\n"),
    ("data are no number", CLOSURES, "self.data = data", "self.data = str(data)"),
    ("wrong seed", CLOSURES, "        self.grad = 1.0\n", "        self.grad = self.data\n"),
    ("upstream gradient added", CLOSURES, TIMES, TIMES.replace("other.data * out.grad", "other.data + out.grad")),
    ("gradient of times", CLOSURES, TIMES, TIMES.replace("out.grad", "out.grad / 2")),
    ("gradient of times", CLOSURES, TIMES, TIMES.replace("other.data * out.grad", "max(-1.0, min(1.0, other.data * out.grad))")),
    ("plus passes nothing", CLOSURES, "        out._backward = _backward\n        return out\n\n    def __mul__", "        return out\n\n    def __mul__"),
    ("times passes nothing", CLOSURES, TIMES, "            pass\n"),
    ("leaves set to 0", CLOSURES, "        self.grad = 1.0\n", "        for v in topo: v.grad = 0.0\n        self.grad = 1.0\n"),
    ("leaves set to 0", LOCAL_GRADS, "            if node._children:\n                node.grad", "            if True:\n                node.grad"),
    ("inexact", CLOSURES, TIMES, TIMES.replace("other.data * out.grad", "round(other.data * out.grad, 2)")),
    ("inexact", CLOSURES, "(1 - t**2)", "((math.tanh(self.data + 1e-4) - t) / 1e-4)"),
    ("inexact", CLOSURES, "n * self.data**(n - 1)", "round(n * self.data**(n - 1), 2)"),
    ("argument changed", CLOSURES, "        out = Value(self.data + other.data", "        self.data = self.data + other.data\n        out = Value(self.data"),
    ("argument changed", CLOSURES, "        out = Value(self.data**n, (self,))\n", "        self.data = self.data**n\n        out = Value(self.data, (self,))\n"),
    ("single precision", NUMPY_BACKED, "dtype=np.float64", "dtype=np.float32"),
    ("minus is plus", CLOSURES, "return self + (-other)", "return self + other"),
    ("gradient of times", CLOSURES, TIMES, TIMES.replace("self.data * out.grad", "max(-5.0, min(5.0, self.data * out.grad))")),
    ("no backward", CLOSURES, "def backward(self)", "def back_propagate(self)"),
    ("overwrites", CLOSURES, "self.grad += (1 - t**2) * out.grad", "self.grad = (1 - t**2) * out.grad"),
    ("overwrites", CLOSURES, "self.grad += n * self.data**(n - 1)", "self.grad = n * self.data**(n - 1)"),
    ("overwrites", LOCAL_GRADS, "            for child, local", "            for child in node._children:\n                child.grad = 0.0\n            for child, local"),
    ("upstream gradient left out of sigmoid", CLOSURES, "s * (1 - s) * out.grad", "s * (1 - s)"),
    ("upstream gradient left out of relu", CLOSURES, "(out.data > 0) * out.grad", "(out.data > 0)"),
    ("upstream gradient left out of log", CLOSURES, "out.grad / self.data", "1 / self.data"),
    ("nothing comes through", CLOSURES, "def __neg__(self): return self * -1", "def __neg__(self): return Value(-self.data)"),
    ("nothing comes through", CLOSURES, "return (-self) + other", "return Value(other - self.data, (self,))"),
    ("nothing comes through", CLOSURES, "def __add__(self, other):\n", "def __add__(self, other):\n        if not isinstance(other, Value): return Value(self.data + other)\n"),
    ("no Value comes back", CLOSURES, "        out._backward = _backward\n        return out\n\n    def __mul__", "        out._backward = _backward\n\n    def __mul__"),
    ("no Value comes back", CLOSURES, "def __radd__(self, other): return self + other", "def __radd__(self, other): return other"),
    ("called too early", CLOSURES, "out._backward = _backward", "out._backward = _backward()"),
    ("plus passes nothing", CLOSURES, "            v._backward()", "            v._backward"),
    ("gradients do not begin at 0", CLOSURES, "self.grad = 0.0", "self.grad = 1.0"),
    ("other sign", CLOSURES, ".grad += ", ".grad -= "),
    ("gradient of plus", LOCAL_GRADS, "+= local * node.grad", "+= 0.9 * local * node.grad"),
    ("data are cut", CLOSURES, "self.data = data", "self.data = int(data)"),
    ("inexact", CLOSURES, "self.data = data", "self.data = round(data, 3)"),
    ("another logarithm", CLOSURES, "math.log(", "math.log10("),
    ("sigmoid falls", CLOSURES, "math.exp(-self.data))", "math.exp(self.data))"),
    ("relu at positive numbers", CLOSURES, "self.data if self.data > 0", "self.data if self.data > 1"),
    ("relu at positive numbers", LOCAL_GRADS, "float(self.data > 0)", "float(self.data > 1)"),
    ("no __init__", CLOSURES, "def __init__", "def _init_"),
    ("no data", CLOSURES, "self.data = data", "self.value = data"),
    ("no plus", CLOSURES, "def __add__", "def add"),
    ("no times", CLOSURES, "def __mul__", "def times"),
    ("backward stops early", CLOSURES, "Value(self.data * other.data, (self, other))", "Value(self.data * other.data, (self,))"),
    ("kept between calls", CLOSURES, "    def backward(self):\n        topo, visited = [], set()\n", "    def backward(self, topo=[], visited=set()):\n"),
    ("wrong order", LOCAL_GRADS, WALK, PREORDER),
    ("each value starts at 1", CLOSURES, BACKWARD, EACH_FROM_1),
    ("gradient shared", SAME_ARRAY, "", ""),
    ("kept between values", SHARED_LIST, "", ""),
    ("kept between values", CLOSURES.replace("        self.grad = 0.0\n", "").replace("class Value:\n", "class Value:\n    grad = 0.0\n"), "self.grad += out.grad\n            other.grad += out.grad", "Value.grad += out.grad\n            Value.grad += out.grad"),
    ("plus passes too often", CLOSURES.replace("        self._backward = lambda: None\n", "        self.__class__._backward = lambda self: None\n"), "out._backward = _backward", "Value._backward = lambda self: _backward()"),
    ("cleared by an operation", CLOSURES, "        out = Value(self.data * other.data", "        self.grad = other.grad = 0.0\n        out = Value(self.data * other.data"),
    ("log of a small number", CLOSURES, "math.log(self.data)", "math.log(self.data + 1e-6)"),
    ("inexact", CLOSURES, "math.log(self.data)", "math.log(self.data + 1e-9)"),
    ("plain numbers are left out", CLOSURES, "    def __mul__(self, other):\n", "    def __mul__(self, other):\n        if not isinstance(other, Value):\n            out = Value(self.data * other, (self,))\n            def _backward(): self.grad += out.grad\n            out._backward = _backward\n            return out\n"),
    ("swapped __sub__", CLOSURES, "return self + (-other)", "return (-self) + other"),
    ("swapped __truediv__", CLOSURES, "return self * other**-1", "return other * self**-1"),
    ("power of a negative number", CLOSURES, "Value(self.data**n", "Value(abs(self.data)**n"),
    ("power of a negative number", CLOSURES, "Value(self.data**n", "Value(math.exp(n * math.log(self.data))"),
    ("power of a fraction", CLOSURES, "self.data**n, (self,)", "self.data**int(n), (self,)"),
    ("swapped gradients", OPERATOR_CLASSES, "return g, -g", "return -g, g"),
    ("backward is no method", CLOSURES, "    def backward(self)", "    @property\n    def backward(self)"),
]  # fmt: skip
