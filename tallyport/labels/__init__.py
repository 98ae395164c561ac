"""Labels to print: the floor's commands and places."""
