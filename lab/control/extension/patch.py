"""The two ways in which this package changes a method of moto."""

import functools


def around(owner, name):
    """Replace owner.name; the replacement gets the original as first argument."""

    def install(replacement):
        original = getattr(owner, name)

        @functools.wraps(original)
        def method(*args, **kwargs):
            return replacement(original, *args, **kwargs)

        setattr(owner, name, method)
        return replacement

    return install


def add(owner):
    """Add a method that moto does not have; refuse to hide one that it has."""

    def install(function):
        if hasattr(owner, function.__name__):
            raise RuntimeError(f"moto has {function.__name__} now: drop the lab's own")
        setattr(owner, function.__name__, function)
        return function

    return install
