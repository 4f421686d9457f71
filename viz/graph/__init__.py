"""Drawing a computation graph."""
