"""EPCIS 2.0: the ledger as events of GS1's standard, and events of others taken in."""
