"""Texts of laws by version and article, so that what a rule or a step cites can be opened.

The product ships no texts: an operator loads them (`jinzhi laws load`); an absent text leaves the citation.
"""
