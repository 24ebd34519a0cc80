"""Electronic licences: the signed text in the QR, its keys, the list of ended licences, the wallet, sharing.

What a certificate is and what may happen to it stands in the registry; this room makes its electronic face.
"""
