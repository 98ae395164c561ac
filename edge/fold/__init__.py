"""Readings to observations, pure: every time is passed in, in microseconds since 1970 UTC.

``Folder`` is all of it for one device: tag reads become sightings, residents and gate windows
(``edge.fold.tags``, ``edge.fold.gate``), weights become levels at rest (``edge.fold.weight``),
scans stay scans (``edge.fold.scan``).
"""

from edge.fold.folder import Folder
from edge.fold.settings import FoldSettings

__all__ = ["FoldSettings", "Folder"]
