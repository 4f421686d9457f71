"""A bug, named. An engine of one's own is tried rung by rung, as `chainrule check FILE.py --html check.html` does."""

from chainrule.testing import check_class


class Value:
    def __init__(self, data, arguments=()):
        self.data, self.grad, self.arguments = data, 0.0, arguments

    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def backward(self, grad=1.0):
        self.grad = grad
        for argument, local_derivative in self.arguments:
            argument.backward(local_derivative * grad)


check_class(Value).save("check.html")
