"""`jinzhi files …`: care of stored contents."""

import hashlib
import json
from typing import Annotated

import typer

from jinzhi.foundation.files import seals as seal_store
from jinzhi.foundation.files import signing, storing
from jinzhi.foundation.files.models import Blob
from jinzhi.foundation.people.models import Agency

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


@app.command(help="列出各机关用的印章和签名证书：自有的、演示的、有效期。")
def seals(json_: Json = False) -> None:
    """Which seal and certificate documents of each agency carry."""
    rows = [_seal_row(agency) for agency in Agency.objects.all()]
    if json_:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    typer.echo(f"放置位置：{seal_store.organ_folder('机构代号')}")
    for row in rows:
        own = "自有证书" if row["own_certificate"] else "本系统自签证书"
        seal = "自有印章" if row["own_seal"] else "演示印章"
        typer.echo(
            f"{row['agency']}  {row['name']}  {seal}  {own}，{row['certificate_until'] or row['fault']}"
        )


def _seal_row(agency: Agency) -> dict:
    own = signing.certificate_of(agency.key) != signing.own_certificate()
    row = {"agency": agency.key, "name": agency.name, "own_seal": seal_store.given(agency.key) is not None}
    row |= {"own_certificate": own, "certificate_until": "", "fault": ""}
    try:
        if certificate := signing.signer_of(agency.key).signing_cert:
            row["certificate_until"] = certificate.not_valid_after.date().isoformat()
    except signing.SigningFault as fault:
        row["fault"] = str(fault)
    return row
