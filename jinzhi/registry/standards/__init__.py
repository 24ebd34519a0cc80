"""The catalogue of standards: numbers, what replaced what, which standard was in force on a day.

The product ships no catalogue: an operator loads one (`jinzhi standards load`).
"""
