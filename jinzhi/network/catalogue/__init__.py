"""The catalogue of shared data: what there is, who may have it, who has asked."""
