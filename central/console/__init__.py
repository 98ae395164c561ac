"""The technician's console at central: the way to every edge's desk, the page of all devices."""
