"""What a browser is given, by central and by an edge alike: one design system, one shell.

``static/`` holds everything that is loaded (the vendored libraries, the tokens and classes of
``app.css``, a style and a script for each area of pages), ``templates/`` the shell and the parts
that pages are made of. Neither central's nor an edge's facts are known here.
"""
