"""Central: receives what edges observed, judges it, keeps the ledger and tells."""
