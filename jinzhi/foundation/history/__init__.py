"""The audit trail: who did what, when, in which post, chained with SM3 so that a change shows.

Imports no models, so that it may be imported anywhere. Append last in a transaction: the chain is held by
the transaction until it ends.
"""

from jinzhi.foundation.history.chain import append, fingerprint, plain, sm3
from jinzhi.foundation.history.verify import Fault, Verifier, heads, verifiers, verify

__all__ = ["Fault", "Verifier", "append", "fingerprint", "heads", "plain", "sm3", "verifiers", "verify"]
