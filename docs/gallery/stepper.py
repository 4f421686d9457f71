"""The stepper. Forwards and backwards through a computation, one application of the chain rule at a time."""

import chainrule as cr

x, y = cr.Value(1.5, label="x"), cr.Value(-0.5, label="y")
f = (x * y).exp() + x**2
cr.steps(f).save("stepper.html")
