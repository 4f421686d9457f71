"""A network. The same picture, of one loss over all of a model: a layer is a table with the matrix of its weights."""

import chainrule as cr

data = cr.iris().standardise()
model = cr.MLP(data.inputs, [8, data.outputs], activation="tanh", rng=0)
loss = cr.cross_entropy(model(data.X[0]), data.y[0])
loss.backward()
cr.draw(loss).save("network.svg")
