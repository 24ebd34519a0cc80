"""django-viewflow doing one step of a flow of two, measured in its own process; prints [own, database's] CPU seconds."""

import json
import os
import time
from pathlib import Path

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "viewflow",
        "viewflow.workflow",
        "viewflow_sample",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["BENCH_HOST"],
            "PORT": "5432",
            "NAME": os.environ["BENCH_NAME"],
            "USER": "postgres",
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from viewflow.workflow.models import Task  # noqa: E402
from viewflow_sample.flows import Sample  # noqa: E402


def backend_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


call_command("migrate", verbosity=0)
count = int(os.environ["BENCH_COUNT"])
for _ in range(count + 10):
    Sample.start.run()
tasks = list(Task.objects.filter(flow_task=Sample.left).order_by("id"))
for task in tasks[:10]:
    Sample.left.run(task)
pid = connection.connection.info.backend_pid
began = time.process_time(), backend_cpu(pid)
for task in tasks[10:]:
    Sample.left.run(task)
done = (time.process_time() - began[0]) / count, (backend_cpu(pid) - began[1]) / count
assert Task.objects.filter(flow_task=Sample.left2, status="NEW").count() == count + 10
print(json.dumps(done))
