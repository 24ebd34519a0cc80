"""At the start of a demonstration: people and records of the network's operation, once."""

from django.conf import settings

from jinzhi.foundation.people.models import Account
from jinzhi.network.operations.demonstration import demonstrate
from jinzhi.network.operations.models import Equipment

ORDER = 95


def bootstrap() -> None:
    made = Account.objects.filter(username__in=["demo-admin", "demo-enterprise"]).exists()
    if settings.DEMO and made and not Equipment.objects.exists():
        demonstrate()
