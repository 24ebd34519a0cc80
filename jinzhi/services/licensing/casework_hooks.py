"""What licences add to the engine; each module registers its own guards, effects and pages when imported."""

from jinzhi.services.licensing import (  # noqa: F401
    food,
    general,
    hearing,
    life,
    measuring,
    records,
    special_equipment,
    steps,
)
