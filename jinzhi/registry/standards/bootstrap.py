"""In a demonstration a few standards that replaced each other, marked as such."""

from pathlib import Path

from django.conf import settings

ORDER = 45
SAMPLE = Path(__file__).with_name("demonstration.csv")


def bootstrap() -> str:
    """Load the demonstration's catalogue; safe to repeat, nothing elsewhere."""
    from jinzhi.registry.standards import loading

    if not settings.DEMO:
        return ""
    result = loading.load(SAMPLE, demo=True)
    return f"演示标准目录 {result.accepted} 条"
