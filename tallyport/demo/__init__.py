"""The demo: a small world of emulated devices with a truth of its own, and the real processes
(edge, broker, central) that have to find that truth out.
"""
