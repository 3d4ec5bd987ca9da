#!/usr/bin/env python3
"""Reads CSV documents with Python's own csv module: the oracle of unit/connectors/formats/csv.

    csv_oracle.py DOCUMENTS VERDICTS

Both files are little-endian. A document: u8 dialect, u32 length, bytes. A verdict: u8 (1: an error follows the
rows, 2: the module's grammar is another one here), u32 rows, each u32 fields, each u32 length and bytes.
"""
import csv
import io
import re
import struct
import sys

DIALECTS = [
    dict(delimiter=",", quotechar='"'),
    dict(delimiter="\t", quotechar="'", escapechar="\\"),
    dict(delimiter=";", quoting=csv.QUOTE_NONE, quotechar=None),
    dict(delimiter="|", quotechar='"', escapechar="^"),
]


def is_other(text, dialect):
    """Where Flink's grammar and the module's differ: blanks behind a closing quote, a lone carriage return, an
    escape that names a character."""
    quote, escape = dialect.get("quotechar"), dialect.get("escapechar")
    if re.search("\r(?!\n)", text):
        return True
    blanks = "".join(chr(c) for c in range(1, 33) if chr(c) not in "\r\n" + dialect["delimiter"])
    if quote and re.search(re.escape(quote) + "[" + blanks + "]", text):
        return True
    return bool(escape and re.search(re.escape(escape) + "([0nrt\r\n]|$)", text))


def read(text, dialect):
    rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True, **dialect):
            if row:
                rows.append(row)
    except csv.Error:
        return rows, 1
    return rows, 0


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    out = bytearray()
    at = 0
    while at < len(data):
        which, length = struct.unpack_from("<BI", data, at)
        at += 5
        text = data[at : at + length].decode("utf-8-sig")
        at += length
        dialect = DIALECTS[which]
        rows, flag = read(text, dialect)
        out += struct.pack("<BI", flag | (2 if is_other(text, dialect) else 0), len(rows))
        for row in rows:
            out += struct.pack("<I", len(row))
            for field in row:
                raw = field.encode()
                out += struct.pack("<I", len(raw)) + raw
    with open(sys.argv[2], "wb") as file:
        file.write(out)


main()
