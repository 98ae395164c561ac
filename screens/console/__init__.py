"""The technician's pages: the same ones on the edge itself and at central.

A page is a template and a script; what it shows and does goes through a ``Desk`` (``port``).
"""
