"""The fence: nothing in here changes a result; it is only quicker. README.md beside this file says by how much."""
