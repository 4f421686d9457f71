"""Two moons, live. The page computes and trains without Python; each weight and each point can be dragged."""

import chainrule as cr

data = cr.moons(200)
model = cr.MLP(data.inputs, [6, 6, data.outputs], activation="tanh", rng=1)
cr.live(model, cr.cross_entropy, data.X, data.y, classes=("upper", "lower")).save("moons.html")
