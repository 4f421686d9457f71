"""Tables: from a file or a frame to the numbers that a model takes, and what the model has to remember of it."""
