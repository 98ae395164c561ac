"""Tags that nobody read when their goods were moved by hand."""
