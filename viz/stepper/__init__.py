"""Backpropagation step by step, as a page and in words."""
