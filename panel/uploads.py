"""Files that are uploaded, kept in memory, and no more of them than a message may have.

Django would write files of any size to the disk before a page sees them, of strangers too.
"""

from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

# Of all files of a request, in bytes. One more than is fit for use, so that a page can tell a file
# that was cut off.
MOST = settings.MESSAGE_SIZE_LIMIT + 1


class BoundedUploadHandler(FileUploadHandler):
    """Keeps the first MOST bytes of the files of a request; the rest is read and dropped."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._room = MOST
        self._kept = BytesIO()

    def new_file(self, *args: Any, **options: Any) -> None:
        """Begin another file."""
        super().new_file(*args, **options)
        self._kept = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep of it what there is room for."""
        kept = raw_data[: self._room]
        self._room -= len(kept)
        self._kept.write(kept)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """What was kept of a file."""
        size = self._kept.tell()
        self._kept.seek(0)
        return InMemoryUploadedFile(
            file=self._kept,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
