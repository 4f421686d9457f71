"""Digits. A network learns 1,348 images of 64 pixels, and is asked about the rest. Rows are true, columns answers."""

import chainrule as cr

train, test = cr.digits().standardise().split()
model = cr.MLP(train.inputs, [32, train.outputs], activation="relu", rng=0)
cr.fit(model, cr.cross_entropy, train, epochs=10, batch_size=32, learning_rate=0.005, progress=False)
cr.confusion_table(model, test).save("digits.svg")
