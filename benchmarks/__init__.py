"""Each claim of speed is measured here, side by side with the peers: `python -m benchmarks eager`."""
