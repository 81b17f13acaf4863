"""One module for each format of a project: from a :class:`Project` to its files."""
