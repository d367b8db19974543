"""Reads the example SQL: which statements there are, in which file, under which name."""

import re
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples" / "snowflake"

# In the order in which a person runs them.
FILES = [
    "1-connect.sql",
    "2-load.sql",
    "3-views.sql",
    "detections.sql",
    "raw-lines.sql",
    "outer-array.sql",
]

# What a semicolon may stand in without ending anything, and the semicolon that does.
_TOKEN = re.compile(r"--[^\n]*|'(?:[^'\\]|\\.|'')*'|;", re.DOTALL)
_DETECTION = re.compile(r"^-- detection: (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--[^\n]*\n?", re.MULTILINE)
# Up to the object's name: CREATE VIEW events, SHOW PIPES, ALTER PIPE load_events REFRESH.
_SUBJECT = re.compile(
    r"(CREATE (?:OR REPLACE )?(?:STORAGE INTEGRATION|FILE FORMAT|\w+)(?: IF NOT EXISTS)? [\w.]+"
    r"|SHOW \w+|ALTER PIPE \w+ REFRESH|LIST @\w+|DESC INTEGRATION \w+|SET \w+|USE SCHEMA [\w.]+"
    r"|SELECT SYSTEM\$PIPE_STATUS|SELECT .*COPY_HISTORY)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Statement:
    """One statement, without the comments before it and the semicolon behind it."""

    file: str
    name: str
    text: str
    is_detection: bool


def read(file: str) -> list[Statement]:
    """All statements of a file, from the top."""
    return [_statement(file, part) for part in _split((EXAMPLES / file).read_text())]


def _split(text: str) -> list[str]:
    parts, start = [], 0
    for token in _TOKEN.finditer(text):
        if token.group() == ";":
            parts.append(text[start : token.start()])
            start = token.end()
    rest = _COMMENT.sub("", text[start:]).strip()
    assert not rest, f"a statement without its semicolon: {rest}"
    return parts


def _statement(file: str, part: str) -> Statement:
    detection = _DETECTION.search(part)
    text = _COMMENT.sub("", part).strip()
    if detection:
        return Statement(file, detection.group(1), text, True)
    subject = _SUBJECT.match(text)
    assert subject, f"{file}: no name for a statement of this kind: {text}"
    name = re.sub(r" (IF NOT EXISTS|OR REPLACE)", "", subject.group())
    return Statement(
        file,
        re.sub(r"SELECT .*COPY_HISTORY", "SELECT … COPY_HISTORY", name, flags=re.DOTALL),
        text,
        False,
    )
