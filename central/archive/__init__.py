"""The ledger kept elsewhere as well: every sealed block as one JSON file that is written once."""
