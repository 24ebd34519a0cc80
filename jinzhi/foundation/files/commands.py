"""`jinzhi files …`: care of stored contents."""

import hashlib
import json
from typing import Annotated

import typer

from jinzhi.foundation.files import storing
from jinzhi.foundation.files.models import Blob

NAME = "files"
app = typer.Typer(help="附件与文书的存储。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]


@app.command("clean-up", help="清除两天内无人引用的文件内容。")
def clean_up(json_: Json = False) -> None:
    """Remove contents that nothing has referred to for two days."""
    removed = storing.clean_up()
    typer.echo(json.dumps({"removed": removed}) if json_ else f"清理无主文件 {removed} 个")


@app.command(help="逐一读取文件内容，核对 SHA-256。")
def verify(json_: Json = False) -> None:
    """Read every content and compare it with its SHA-256."""
    faults = []
    for blob in Blob.objects.order_by("sha256").iterator():
        path = storing.path_of(blob.sha256)
        if not path.exists():
            faults.append({"sha256": blob.sha256, "fault": "文件缺失"})
            continue
        with path.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != blob.sha256:
                faults.append({"sha256": blob.sha256, "fault": "内容与摘要不符"})
    if json_:
        typer.echo(json.dumps({"faults": faults}, ensure_ascii=False))
    else:
        for fault in faults:
            typer.echo(f"✗ {fault['sha256']} {fault['fault']}")
        typer.echo(f"核对 {Blob.objects.count()} 个文件，{len(faults)} 个有问题")
    raise typer.Exit(1 if faults else 0)
