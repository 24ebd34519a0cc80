"""Other engines on the same act in the same database: one step of a case done, the next one opened.

SpiffWorkflow runs the BPMN that the project generates from its own procedure, its state kept as JSON in a row that is
locked, read, moved on and written back. django-viewflow runs a flow of the same two steps with its own tables.
A peer that is not installed is left out (`make bench` installs requirements/bench.lock).
"""

from importlib.util import find_spec


def measured(count: int) -> dict[str, tuple[float, float]]:
    """(own, database's) CPU seconds of one act by the name of the engine."""
    found = {}
    for name, package, run in (
        ("SpiffWorkflow with JSON", "SpiffWorkflow", spiff),
        ("django-viewflow", "viewflow", viewflow),
    ):
        if find_spec(package) is None:
            print(f"act | {name} is not installed here: not compared", flush=True)
            continue
        found[name] = run(count)
    return found


def spiff(count: int) -> tuple[float, float]:
    """One task of a workflow of two tasks done; the state is read and written as JSON under a lock."""
    import json
    import tempfile
    from pathlib import Path

    from django.db import connection, transaction
    from measured import cpu
    from SpiffWorkflow.bpmn import BpmnWorkflow
    from SpiffWorkflow.bpmn.parser import BpmnParser
    from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
    from SpiffWorkflow.util.task import TaskState

    from jinzhi.casework import bpmn
    from jinzhi.casework.procedures import parse
    from jinzhi.casework.tests.sample import DEFINITION

    definition = parse(json.loads(json.dumps(DEFINITION)))
    parser = BpmnParser()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.bpmn"
        path.write_text(bpmn.xml(definition), encoding="utf-8")
        parser.add_bpmn_file(str(path))
        spec = parser.get_spec(parser.get_process_ids()[0])
    serializer = BpmnWorkflowSerializer()

    def ready(workflow, name: str):
        return next(t for t in workflow.get_tasks(state=TaskState.READY) if name in t.task_spec.name)

    def at_left() -> str:
        workflow = BpmnWorkflow(spec)
        workflow.do_engine_steps()
        task = ready(workflow, "first")
        task.data.update({bpmn.variable(s): "accept" for s in definition.steps} | {"outcome": "accept"})
        task.run()
        workflow.do_engine_steps()
        return serializer.serialize_json(workflow)

    state = at_left()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE spiff (id int PRIMARY KEY, state jsonb)")
        cursor.execute("INSERT INTO spiff SELECT g, %s FROM generate_series(0, %s) g", [state, count])
    driver = connection.connection

    def act(number: int) -> None:
        with transaction.atomic():
            row = driver.execute(
                "SELECT state::text FROM spiff WHERE id = %s FOR UPDATE", [number], prepare=True
            )
            workflow = serializer.deserialize_json(row.fetchone()[0])
            task = ready(workflow, "left")
            task.data["outcome"] = "pass"
            task.run()
            workflow.do_engine_steps()
            kept = serializer.serialize_json(workflow)
            driver.execute("UPDATE spiff SET state = %s WHERE id = %s", [kept, number], prepare=True)

    return cpu(act, count)


def viewflow(count: int) -> tuple[float, float]:
    """In a process and a database of its own on the same server: it brings its own settings and tables."""
    import json
    import os
    import subprocess
    import sys
    from pathlib import Path

    from django.db import connection
    from measured import superuser

    name = "jinzhi_bench_viewflow"
    with superuser() as owner:
        owner.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        owner.execute(f"CREATE DATABASE {name}")
    place = {"BENCH_HOST": connection.settings_dict["HOST"], "BENCH_NAME": name, "BENCH_COUNT": str(count)}
    script = Path(__file__).with_name("viewflow_peer.py")
    try:
        answer = subprocess.run(
            [sys.executable, str(script)], env=os.environ | place, capture_output=True, text=True, check=True
        )
        return tuple(json.loads(answer.stdout.splitlines()[-1]))
    except subprocess.CalledProcessError as fault:
        print(fault.stderr[-2000:], flush=True)
        raise
    finally:
        with superuser() as owner:
            owner.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
