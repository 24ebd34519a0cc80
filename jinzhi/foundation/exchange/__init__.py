"""Declared datasets, what leaves this node and what arrives; the transport lives in network."""
