"""Models as tests: the plugin for pytest, and what tests of one's own use of it."""


class RatifiedWarning(UserWarning):
    """Why a model that holds may say less than it seems to."""
