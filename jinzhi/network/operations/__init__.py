"""Operating the network: console, alarms, ledger, inspections, faults, incidents, duty."""
