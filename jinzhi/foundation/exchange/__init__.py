"""Declared datasets, what leaves this node and what arrives; the transport lives in network.

`declared` what rooms share · `capture` triggers that fill the outbox · `node` who this node is, channels ·
`sending` numbering, rendering, receipts · `border`, `receiving`, `applying`, `quarantine` what arrives ·
`documents` records without a table · `replaying` sending again, transfer · `comparing` reconciliation ·
`standing` figures per dataset and peer · `retention` partitions and how long things are kept.
"""
