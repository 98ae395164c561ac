"""Barcode scanners on lines, and those that are keyboards."""
