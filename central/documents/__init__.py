"""Documents that announce goods: advance shipping notices, orders, transfers."""
