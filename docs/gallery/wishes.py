"""Wishes. What each of twelve flowers asks of one weight, and their mean, which is what gradient descent follows."""

import chainrule as cr

data = cr.iris().standardise()
model = cr.MLP(data.inputs, [8, data.outputs], activation="tanh", rng=0)
cr.wish_bars(model, cr.cross_entropy, data.X[::13], data.y[::13]).save("wishes.svg")
