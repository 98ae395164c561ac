"""Labels: what is printed on goods, places, cartons and parcels, and written into their tags.

A template (data) and the fields of a thing make a drawing in a printer's dots; the drawing becomes
PDF or ZPL.
"""
