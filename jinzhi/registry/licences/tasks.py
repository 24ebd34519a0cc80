"""Background work: a list is signed every hour even when nobody asks for one."""

from procrastinate.contrib.django import app

from jinzhi.foundation.places import scope
from jinzhi.registry.licences import status_list


@app.periodic(cron="20 * * * *")
@app.task(name="sign_status_list", queue="licences")
def sign_status_list(timestamp: int) -> None:
    with scope.acting(scope.SYSTEM):
        status_list.newest()
