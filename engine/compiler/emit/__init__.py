"""The text of programs: NumPy for batches, Python on floats for one example."""
