"""One clock for everything moto stamps, so that a replay stamps the same times.

It must be installed before any of moto's models is imported: they import
`utcnow` by name.
"""

import datetime

import moto.core.utils


class Clock:
    """The present, or the moment of the request that is being replayed."""

    def __init__(self):
        self.frozen = None

    def now(self):
        if self.frozen is not None:
            return self.frozen
        return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def install():
    clock = Clock()
    moto.core.utils.utcnow = clock.now
    return clock
