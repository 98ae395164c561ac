"""The calibration of scales: what is measured, how it is judged, and the certificate of it."""
