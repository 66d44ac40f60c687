"""Signature fields of a PDF drawn into their pages. Source: PDF 32000-1, signature fields."""

from typing import Any

import pikepdf


def flatten_signatures(document: pikepdf.Pdf) -> None:
    """Leave what signatures look like, and take away that they can be verified."""
    for page in document.pages:
        if "/Annots" in page.obj:
            page.obj.Annots = _without_signatures(page.obj.Annots, page)
    form = document.Root.get("/AcroForm")
    if form is not None:
        form.Fields = _without_signatures(form.get("/Fields", []), None)
        if "/SigFlags" in form:
            del form.SigFlags
    if "/Perms" in document.Root:
        del document.Root.Perms


def _without_signatures(fields: Any, page: pikepdf.Page | None) -> pikepdf.Array:
    """Return the fields that are none; those that are get drawn into the page, if one is given."""
    for field in fields:
        if page is not None and _is_signature(field):
            _draw(page, field)
    return pikepdf.Array([field for field in fields if not _is_signature(field)])


def _is_signature(field: Any) -> bool:
    if not isinstance(field, pikepdf.Dictionary):
        return False
    own = field.get("/FT")
    parent = field.get("/Parent")
    if own is None and isinstance(parent, pikepdf.Dictionary):
        own = parent.get("/FT")
    return bool(own == "/Sig")


def _draw(page: pikepdf.Page, annotation: Any) -> None:
    shown = annotation.get("/AP", {}).get("/N")
    box = annotation.get("/Rect")
    if not isinstance(shown, pikepdf.Stream) or box is None or len(box) != 4:
        return
    corners = [float(side) for side in box]
    rectangle = pikepdf.Rectangle(
        min(corners[0], corners[2]),
        min(corners[1], corners[3]),
        max(corners[0], corners[2]),
        max(corners[1], corners[3]),
    )
    if rectangle.width > 0 and rectangle.height > 0:
        page.add_overlay(shown, rectangle)
