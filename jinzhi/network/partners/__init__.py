"""Partners outside the network and the three gateways they use."""
