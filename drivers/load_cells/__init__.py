"""Load-cell nodes: raw counts, weighed here under a calibration."""
