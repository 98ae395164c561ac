"""Receive: what edges send is checked, committed once, and acknowledged."""
