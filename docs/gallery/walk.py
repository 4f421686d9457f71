"""A walk. Backpropagation as a picture that moves by itself, for a slide."""

import chainrule as cr

a, b = cr.Value(3.0, label="a"), cr.Value(-2.0, label="b")
cr.walk((a * b + a).tanh()).save("walk.svg")
