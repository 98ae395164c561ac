"""Scanning on a phone: the page, its service worker, its manifest."""
