"""Lets a handler read the client context as a mapping too: `"custom" in ctx`, `ctx["custom"]["tenantId"]`.

The official class has attributes only; both ways work in the same handler, and nothing that worked before changes.
"""

from awslambdaric.lambda_context import Client, ClientContext


def keys(self):
    """The members that the caller sent."""
    return [name for name in self.__slots__ if getattr(self, name, None) is not None]


def contains(self, name):
    return name in self.__slots__ and getattr(self, name, None) is not None


def getitem(self, name):
    if not contains(self, name):
        raise KeyError(name)
    return getattr(self, name)


def get(self, name, default=None):
    return getattr(self, name) if contains(self, name) else default


def iterate(self):
    return iter(keys(self))


def values(self):
    return [getattr(self, name) for name in keys(self)]


def items(self):
    return [(name, getattr(self, name)) for name in keys(self)]


def install():
    # No __len__: an object without members must stay true, as the official one is.
    for cls in (ClientContext, Client):
        cls.__contains__ = contains
        cls.__getitem__ = getitem
        cls.__iter__ = iterate
        cls.get = get
        cls.keys = keys
        cls.values = values
        cls.items = items
