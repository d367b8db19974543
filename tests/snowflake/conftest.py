"""One account for all tests: every example statement is run once, in the order of the files."""

import json
import os
from pathlib import Path

import pytest

import statements
from emulator import RAN, emulator

# What the first half of the test has left (main.rs): <bucket>/<key>, and sent.json beside it.
_OBJECTS = Path(os.environ["FOREBAY_OBJECTS"]).resolve()
# The planted events are of 2024, and the examples ask for the last week.
_SINCE = "SET since = '2024-02-01'::TIMESTAMP_NTZ"


class Outcome:
    """What came of every statement, and an emulator with all of them behind it."""

    def __init__(self, account):
        self.account = account
        self.sent = json.loads((_OBJECTS / "sent.json").read_text())
        self.where: dict[tuple[str, str], str] = {}
        self.found: dict[str, list[tuple]] = {}

    def run(self, statement: statements.Statement) -> None:
        """Runs a statement; of a detection the rows are kept."""
        if statement.is_detection:
            self.found[statement.name] = self.account.rows(statement.text)
            how = RAN
        else:
            how = self.account.run(statement)
        self.where[statement.file, statement.name] = how
        if statement.name == "SET since":
            self.account.rows(_SINCE)


@pytest.fixture(scope="session")
def outcome():
    """The example SQL, run over what forebay wrote."""
    with emulator(_OBJECTS / "audit-events") as account:
        outcome = Outcome(account)
        for file in statements.FILES:
            for statement in statements.read(file):
                outcome.run(statement)
        yield outcome
