"""Entering registers of others: tables in any layout, read by a mapping, merged as sets.

`reading` opens files, `mapping` says which column is what, `records` turns a row into a record or into
reasons, `merging` brings the records into the register, `running` does the whole in one transaction.
"""
