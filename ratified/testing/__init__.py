"""Models as tests: the plugin for pytest, and what tests of one's own use of it."""


class RatifiedWarning(UserWarning):
    """Why *holds* may mean less than it seems to."""
