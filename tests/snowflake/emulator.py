"""Runs statements of Snowflake in fakesnow, an emulator over DuckDB, as far as it goes.

What it goes without is told statement by statement: README.md in examples/snowflake has the table.
"""

import logging
import re
from contextlib import contextmanager
from pathlib import Path

import fakesnow
import snowflake.connector

from statements import Statement

RAN = "as it is"
RAN_ON_FILES = "with the URL of a directory"
RAN_COPY = "the COPY in it, object by object"

# What the emulator does not know, by how the statement begins. That it refuses is tested too, so
# that this list gets shorter when the emulator learns.
UNKNOWN = {
    "CREATE STORAGE INTEGRATION": "not run: the emulator has no integrations",
    "DESC INTEGRATION": "not run: the emulator has no integrations",
    "SHOW PIPES": "not run: the emulator has no pipes",
    "ALTER PIPE": "not run: the emulator has no pipes",
    "SELECT SYSTEM$PIPE_STATUS": "not run: the emulator has no pipes",
    "SELECT … COPY_HISTORY": "not run: the emulator has no such table function",
    "LIST": "accepted, but nothing is listed: the emulator lists internal stages only",
}

_BUCKET = "s3://audit-events/"
_PIPE = re.compile(r"CREATE PIPE .*? AS\s+(COPY INTO .*)", re.DOTALL)
_SOURCE = re.compile(r"@audit_logs/(\w+/)")


class Emulator:
    """One account, whose stage is a directory of objects."""

    def __init__(self, connection, bucket: Path):
        self._cursor = connection.cursor()
        self._bucket = bucket

    def rows(self, sql: str) -> list[tuple]:
        """What a statement answers."""
        return self._cursor.execute(sql).fetchall()

    def run(self, statement: Statement) -> str:
        """Runs as much of a statement as there is an emulation for, and says how much."""
        for beginning, reason in UNKNOWN.items():
            if statement.name.startswith(beginning):
                self._is_unknown(statement)
                return reason
        if pipe := _PIPE.fullmatch(statement.text):
            self._is_unknown(statement)
            self.copy(pipe.group(1))
            return RAN_COPY
        if _BUCKET in statement.text:
            self.rows(statement.text.replace(_BUCKET, f"file://{self._bucket}/"))
            return RAN_ON_FILES
        self.rows(statement.text)
        return RAN

    def copy(self, sql: str) -> int:
        """Loads all objects of the prefix that a COPY names, and gives the number of rows.

        The emulator has no metadata columns and no `$1`: it runs the COPY for each object alone,
        with the object's name and the number of the row in their places.
        """
        prefix = _SOURCE.search(sql).group(1)
        loaded = 0
        for path in sorted((self._bucket / "logs" / prefix).iterdir()):
            key = path.relative_to(self._bucket)
            one = (
                sql.replace("$1", "json")
                .replace("METADATA$FILENAME", f"'{key}'")
                .replace("METADATA$FILE_ROW_NUMBER", "ROW_NUMBER() OVER ()")
            )
            (result,) = self.rows(f"{one}\nFILES = ('{path.name}')")
            assert result[1] == "LOADED", result
            loaded += result[3]
        return loaded

    def _is_unknown(self, statement: Statement) -> None:
        try:
            rows = self.rows(statement.text)
        except (snowflake.connector.errors.ProgrammingError, AssertionError):
            return
        assert rows == [], f"the emulator has learnt {statement.name}: {rows}"


@contextmanager
def emulator(bucket: Path):
    """A fresh emulator; gone with the block."""
    # It says of each thing it does not know that it does not; the table says so once.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    with fakesnow.patch(), snowflake.connector.connect() as connection:
        yield Emulator(connection, bucket)
