"""The one road to the tables, and what everybody needs who goes it."""
