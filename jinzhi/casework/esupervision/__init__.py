"""Electronic supervision of approvals (行政审批电子监察): reads clocks, steps and events, and nothing else of a matter."""
