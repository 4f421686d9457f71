"""The fence: nothing in here changes a result; it is only quicker."""
