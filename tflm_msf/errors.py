"""The one exception type that a user is meant to see."""


class MsfError(Exception):
    """A sentence for the user: what is wrong, where, and what to do about it.

    The command line prints it on stderr and exits with status 2.
    """
