"""Pages of alerts and of the rules behind them."""
