"""Tests of outbound orders."""
