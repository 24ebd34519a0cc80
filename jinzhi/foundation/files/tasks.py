"""Background work of the files room (procrastinate). Every process loads this; only a worker that renders loads more."""

from procrastinate.contrib.django import app

from jinzhi.foundation.files import storing
from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.places import scope


@app.task(name="render_document", queue="documents", retry=3)
def render_document(document_id: str) -> None:
    """Make a document's PDF ahead of its first reader."""
    from jinzhi.foundation.files import documents

    with scope.acting(scope.SYSTEM):
        document = GeneratedDocument.objects.filter(pk=document_id).first()
        if document:
            documents.rendered(document)


@app.periodic(cron="40 3 * * *")
@app.task(name="clean_up_files", queue="documents")
def clean_up_files(timestamp: int) -> None:
    with scope.acting(scope.SYSTEM):
        storing.clean_up()
