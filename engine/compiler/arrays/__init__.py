"""Equal scalar work side by side, as instructions on arrays."""
