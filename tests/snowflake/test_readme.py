"""The table in the README says of every statement where it ran, and is made by running them.

UPDATE_README=1 …/python -m pytest tests/snowflake     writes it anew
"""

import os

from statements import EXAMPLES

README = EXAMPLES / "README.md"
BEGIN, END = "<!-- where: begin -->\n", "<!-- where: end -->\n"


def test_the_readme_says_of_every_statement_where_it_ran(outcome):
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    text = before + BEGIN + table(outcome.where) + END + after
    if os.environ.get("UPDATE_README"):
        README.write_text(text)
    assert README.read_text() == text


def table(where):
    """One row a statement, the file's name where a file begins."""
    rows, last = ["| file | statement | in the emulator |", "| --- | --- | --- |"], None
    for (file, name), how in where.items():
        place = f"[{file}]({file})" if file != last else ""
        rows.append(f"| {place} | `{name}` | {how} |")
        last = file
    return "\n".join(rows) + "\n"
