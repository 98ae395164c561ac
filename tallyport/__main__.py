"""``python -m tallyport``: the same as the console script."""

from tallyport.cli import main

main()
