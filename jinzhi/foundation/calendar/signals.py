"""What the calendar tells other rooms."""

from django.dispatch import Signal

# Sent inside the transaction that makes a notice effective, after the days have been written.
#   notice: models.HolidayNotice; before, after: table.Table; changed: list[date], in order and never empty,
#   that became working days or ceased to be.
# A period that ends after the changed days moves by itself, because it is stored in ordinals. One that
# *began* after a changed day keeps its dates only when its stored ordinals are re-based with
# `after.ordinal(before.day_of(old_ordinal))`: a notice loaded late shifts every later ordinal.
notice_confirmed = Signal()
