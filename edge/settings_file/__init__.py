"""The edge's settings file as people work with it: checked, versioned, changed, taken back.

The file is the truth. A screen edits the same text, comments and order survive, and secrets in it
never leave this machine.
"""
