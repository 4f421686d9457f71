"""Text: NumPy for batches, Python for floats."""
