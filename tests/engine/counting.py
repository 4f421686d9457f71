"""What a function costs, counted instead of timed: no test depends on how busy the machine is."""

import sys


def events(run):
    """How many calls and lines of Python's it takes."""
    counted = [0]

    def count(frame, event, argument):
        counted[0] += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        run()
    finally:
        sys.settrace(before)
    return counted[0]
