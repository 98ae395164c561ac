"""The ledger: movements with two ends, balances that follow, and the chain over both."""
