"""Plotting the curves of a training."""
