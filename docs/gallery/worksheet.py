"""A worksheet. Backpropagation for paper: blanks to fill in, and the key on a page of its own."""

import chainrule as cr

x, w, b = cr.Value(2.0, label="x"), cr.Value(-0.5, label="w"), cr.Value(1.5, label="b")
loss = (x * w + b - 1.0) ** 2
cr.worksheet(loss).save("worksheet.html")
