"""Equal scalar work side by side: instructions on arrays, and the statements of NumPy that carry them out."""
