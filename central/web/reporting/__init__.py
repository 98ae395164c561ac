"""Pages of reports: a table, a plot, and files of them."""
