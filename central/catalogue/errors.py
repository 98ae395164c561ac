"""What can be wrong with a request about items and places."""

from __future__ import annotations


class CatalogueError(Exception):
    """The catalogue refused; the text is a sentence for people, ``status`` fits HTTP."""

    status = 409


class AlreadyExists(CatalogueError):
    """Something of this name is there already."""


class NotFound(CatalogueError):
    """Nothing of this name is there."""

    status = 404


class StillInUse(CatalogueError):
    """It cannot be retired yet."""


class NotValid(CatalogueError):
    """The request makes no sense as it stands."""

    status = 422
