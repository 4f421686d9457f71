"""A neuron. Data on white, gradients on colour, and on each edge the local derivative that the chain rule takes."""

import chainrule as cr

x1, x2 = cr.Value(2.0, label="x1"), cr.Value(0.0, label="x2")
w1, w2 = cr.Value(-3.0, label="w1"), cr.Value(1.0, label="w2")
b = cr.Value(6.8813735870195432, label="b")
o = (x1 * w1 + x2 * w2 + b).tanh()
o.backward()
cr.draw(o).save("neuron.svg")
