"""Daily housekeeping of sign-ins."""

from procrastinate.contrib.django import app

from jinzhi.foundation.places import scope


@app.periodic(cron="20 19 * * *")  # UTC: twenty past three in China
@app.task(name="people.clean_up", queueing_lock="people.clean_up")
def clean_up(timestamp: int) -> None:
    """Access tokens that have ended are of no use to anybody."""
    from jinzhi.foundation.people import tokens

    with scope.acting(scope.SYSTEM):
        tokens.clean_up()
