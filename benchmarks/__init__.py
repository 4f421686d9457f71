"""Every claim of speed, side by side with the peers: `python -m benchmarks eager`."""
