"""Bars are seen by the officials of their place; whoever applies is told of his own by the check."""

from django.db import migrations

from jinzhi.foundation.places import rls


class Migration(migrations.Migration):
    dependencies = [("licensing", "0001_initial")]
    operations = [rls.scoped("licensing_bar")]
