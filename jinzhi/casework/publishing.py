"""Publishing procedures: from the rooms' YAML files to immutable versions in the database."""

import json

from jinzhi.casework import hooks
from jinzhi.casework.lint import lint
from jinzhi.casework.models import ProcedureVersion
from jinzhi.casework.procedures import files, parse, read
from jinzhi.foundation import history


class NotPublishable(Exception):
    """The linter refuses it, or a published version was edited instead of given a new number."""


def publish_all() -> list[ProcedureVersion]:
    """Publish what is new. Raises NotPublishable if a file differs from its published version."""
    hooks.discover()
    published = []
    for path in files():
        raw = json.loads(json.dumps(read(path), default=str))  # dates as text, as they will be read back
        procedure = parse(raw, path.name)
        digest = history.fingerprint(raw)
        known = ProcedureVersion.objects.filter(key=procedure.key, version=procedure.version).first()
        if known is not None:
            if known.digest != digest:
                raise NotPublishable(f"{path.name}: 第 {known.version} 版已发布，不能改动；请另立新版本")
            continue
        if problems := lint(procedure):
            raise NotPublishable("\n".join(problems))
        published.append(
            ProcedureVersion.objects.create(
                key=procedure.key,
                version=procedure.version,
                name=procedure.name,
                matter=procedure.matter,
                rule_set=procedure.rule_set,
                valid_from=procedure.valid_from,
                valid_to=procedure.valid_to,
                definition=json.dumps(raw, ensure_ascii=False),
                digest=digest,
            )
        )
    return published
