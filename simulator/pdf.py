"""One page of text as a PDF, written by hand."""

from __future__ import annotations

from collections.abc import Iterable

MOST_LINES = 50


def page(lines: Iterable[str]) -> bytes:
    """A small valid document; what doesn't fit on the page, or into Latin letters, is left out."""
    shown = [_escaped(line) for line in lines][:MOST_LINES]
    text = b"BT /F1 11 Tf 14 TL 56 780 Td\n" + b"".join(b"(" + each + b") Tj T*\n" for each in shown) + b"ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    whole, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(whole))
    return whole + b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, table) + end


def _escaped(line: str) -> bytes:
    printable = "".join(letter if letter.isprintable() else " " for letter in line[:110])
    plain = printable.encode("cp1252", errors="replace")
    return plain.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
