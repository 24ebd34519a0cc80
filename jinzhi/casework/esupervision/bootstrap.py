"""At a start: if there are cases of a demonstration and nobody has supervised them yet, do it once."""

from jinzhi.casework.esupervision.demonstration import demonstrate
from jinzhi.casework.esupervision.models import Run
from jinzhi.casework.models import Case

ORDER = 90


def bootstrap() -> None:
    if not Run.objects.exists() and Case.objects.filter(is_demo=True).exists():
        demonstrate()
