"""`chainrule check`: a learner's own Value, tried rung by rung, and the name of the bug that it has."""
