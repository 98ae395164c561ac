"""Grafana's dashboards as code: ``python -m tallyport.grafana`` writes ``deploy/grafana``."""
