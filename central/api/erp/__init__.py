"""Routes and pages about ERP connections."""
