"""An application of django-viewflow with one flow, for the comparison in peers.py."""
