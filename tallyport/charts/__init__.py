"""Charts drawn once, as SVG for a page and as vectors for a PDF. No browser, no script."""
