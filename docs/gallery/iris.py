"""Iris, replayed. A training that was recorded in Python, with a slider over its epochs."""

import chainrule as cr

train, test = cr.iris().standardise().split()
model = cr.MLP(train.inputs, [8, train.outputs], activation="tanh", rng=0)
history = cr.fit(model, cr.cross_entropy, train, validation=test, epochs=40, learning_rate=0.01, progress=False)
page = cr.replay(model, cr.cross_entropy, train.X, train.y, history, classes=("setosa", "versicolor", "virginica"))
page.save("iris.html")
