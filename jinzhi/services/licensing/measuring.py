"""Measuring instruments."""
