"""The routes of EPCIS 2.0."""
