"""The quality network: nodes, transport between them, and what runs on top of it."""
