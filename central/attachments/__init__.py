"""Files that belong to something in the books: delivery notes, receipts, pictures.

The files lie in a folder, named by their SHA-256; the database says what each belongs to.
"""
