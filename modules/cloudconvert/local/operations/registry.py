"""Every operation that the server serves, by name."""

from collections.abc import Mapping

from modules.cloudconvert.local.operations.archive import ARCHIVE
from modules.cloudconvert.local.operations.capture_website import CAPTURE_WEBSITE
from modules.cloudconvert.local.operations.command import COMMAND
from modules.cloudconvert.local.operations.convert import CONVERT
from modules.cloudconvert.local.operations.export_url import EXPORT_URL
from modules.cloudconvert.local.operations.import_inline import IMPORT_BASE64, IMPORT_RAW
from modules.cloudconvert.local.operations.import_upload import IMPORT_UPLOAD
from modules.cloudconvert.local.operations.import_url import IMPORT_URL
from modules.cloudconvert.local.operations.merge import MERGE
from modules.cloudconvert.local.operations.metadata import METADATA, METADATA_WRITE
from modules.cloudconvert.local.operations.operation import Operation
from modules.cloudconvert.local.operations.optimize import OPTIMIZE
from modules.cloudconvert.local.operations.pdf import PDF_OPERATIONS
from modules.cloudconvert.local.operations.pdf_archive import PDF_ARCHIVE
from modules.cloudconvert.local.operations.pdf_ocr import PDF_OCR
from modules.cloudconvert.local.operations.thumbnail import THUMBNAIL
from modules.cloudconvert.local.operations.watermark import WATERMARK

LISTED = (
    IMPORT_UPLOAD,
    IMPORT_URL,
    IMPORT_BASE64,
    IMPORT_RAW,
    CONVERT,
    MERGE,
    OPTIMIZE,
    COMMAND,
    CAPTURE_WEBSITE,
    THUMBNAIL,
    WATERMARK,
    METADATA,
    METADATA_WRITE,
    *PDF_OPERATIONS,
    PDF_ARCHIVE,
    PDF_OCR,
    ARCHIVE,
    EXPORT_URL,
)

OPERATIONS: Mapping[str, Operation] = {
    name: operation for operation in LISTED for name in (operation.name, *operation.aliases)
}
