"""The marks of classes, which are told apart by their shape, too, and not by their colour alone."""

# Paths around 0: a diamond, a disc, a triangle, a square, a cross, …
SHAPES = ("M0 -6L6 0L0 6L-6 0z", "M5 0A5 5 0 1 0 -5 0A5 5 0 1 0 5 0z", "M0 -6L6 5H-6z", "M-5 -5H5V5H-5z",
          "M-2 -6H2V-2H6V2H2V6H-2V2H-6V-2H-2z", "M0 6L6 -5H-6z", "M-6 -2H6V2H-6z", "M-2 -6H2V6H-2z",
          "M-6 -6L0 -2L6 -6L2 0L6 6L0 2L-6 6L-2 0z", "M0 -6L2 -2L6 -2L3 1L4 6L0 3L-4 6L-3 1L-6 -2L-2 -2z")  # fmt: skip
