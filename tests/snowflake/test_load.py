"""As many rows as events were sent, whichever way they are loaded."""

import json


def count(outcome, what):
    """The rows of a table or view."""
    ((rows,),) = outcome.account.rows(f"SELECT COUNT(*) FROM {what}")
    return rows


def test_every_audit_event_is_a_row(outcome):
    assert count(outcome, "raw_events") == outcome.sent["audit"]


def test_every_session_event_is_a_row(outcome):
    assert count(outcome, "raw_session_events") == outcome.sent["sessions"]
    assert count(outcome, "session_events") == outcome.sent["sessions"]


def test_an_event_that_was_sent_twice_is_one_row_of_the_view(outcome):
    assert count(outcome, "events") == outcome.sent["audit"] - 1


def test_a_pipe_made_for_arrays_loads_the_same(outcome):
    assert count(outcome, "array_events") == outcome.sent["audit"]


def test_every_raw_line_comes_apart_into_time_tag_and_record(outcome):
    both = outcome.sent["audit"] + outcome.sent["sessions"]
    assert count(outcome, "raw_lines") == both
    whole = "lines WHERE event_time IS NOT NULL AND event IS NOT NULL AND event:time IS NOT NULL"
    assert count(outcome, whole) == both
    assert count(outcome, "lines WHERE tag = 'test.log'") == outcome.sent["audit"]


def test_a_raw_line_and_a_json_line_are_the_same_event(outcome):
    different = """
        SELECT COUNT(*) FROM lines l JOIN raw_events e
          ON l.event:uid::VARCHAR = e.event:uid::VARCHAR
        WHERE l.event::VARCHAR <> e.event::VARCHAR"""
    assert outcome.account.rows(different) == [(0,)]


def test_every_event_has_its_columns(outcome):
    assert (
        count(outcome, "events WHERE event_time IS NULL OR event_type IS NULL OR uid IS NULL") == 0
    )
    assert (
        count(outcome, "session_events WHERE event_type = 'print' AND output_base64 IS NULL") == 0
    )


def test_numbers_come_as_they_were_sent(outcome):
    ((event,),) = outcome.account.rows(
        "SELECT event FROM events WHERE event_type = 'bot.join' LIMIT 1"
    )
    attributes = json.loads(event, parse_float=str, parse_int=str)["attributes"]
    assert attributes["run_id"] == "18446744073709552000"


def test_every_row_knows_the_line_of_the_object_it_came_from(outcome):
    rows = outcome.account.rows(
        "SELECT file_name, COUNT(*), MAX(file_row) FROM raw_events GROUP BY file_name"
    )
    assert len(rows) > 40, "an object an hour"
    assert all(name.startswith("logs/audit/") and n == last for name, n, last in rows)
