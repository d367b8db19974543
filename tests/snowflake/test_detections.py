"""Each detection finds what planted.json has for it, and nothing among all the rest."""

from datetime import datetime

import pytest

import statements

DETECTIONS = [s.name for s in statements.read("detections.sql") if s.is_detection]


def at(time):
    """A time of the first of March, on which nearly all happens."""
    return datetime.fromisoformat(f"2024-03-01T{time}")


def session(n):
    return f"018df000-0000-7000-8000-0000000000a{n}"


def request(n):
    return f"018df000-0000-7000-8000-00000000000{n}"


PAYROLL = ("hr", "payroll")

FOUND = {
    "failed_logins": [("mallory", 5, at("02:04:00.500"))],
    "password_spray": [("2001:db8::66", at("03:00"), 4, at("03:00"), at("03:36"))],
    "login_after_failures": [("mallory", at("02:06"), "203.0.113.10", 5)],
    "role_escalations": [(at("04:00"), "mallory", "mallory", "editor", True)],
    "self_approved_requests": [
        (request(1), "mallory", '["dba"]', at("05:00"), at("05:01")),
        (request(4), "trent", '["auditor"]', at("05:30"), at("05:31")),
    ],
    "database_queries_by_user": [
        ("jürgen.groß@example.de", "payroll", 2, 1, 1, at("06:02"), at("06:03")),
        ("mallory", "payroll", 2, 0, 1, at("06:00"), at("06:00:30")),
    ],
    "destructive_statements": [
        (at("06:00:30"), "mallory", *PAYROLL, "db.session.query", "\n  drop table audit_trail;"),
        (
            at("06:03"),
            "jürgen.groß@example.de",
            *PAYROLL,
            "db.session.query.failed",
            "TRUNCATE salaries",
        ),
    ],
    "sessions_by_host": [
        ("vault-1", "alice", "ubuntu", "198.51.100.4", at("07:00"), 45, session(1)),
        ("vault-1", "mallory", "root", "203.0.113.10", at("08:00"), None, session(2)),
    ],
    "root_in_production": [(at("08:00"), "mallory", "vault-1", "203.0.113.10", session(2))],
    "sessions_without_recording": [(at("08:30"), "eve", "ubuntu", "crane-9", session(4))],
    "recordings_watched_by_others": [(at("09:00"), "mallory", "alice", session(1))],
    "second_factors_removed": [(at("10:00"), "mallory", "phone", "TOTP")],
    "kubernetes_secrets_read": [(at("11:00"), "mallory", "quay", "berth", "db-password")],
    "ways_in_changed": [
        (at("12:00"), "mallory", "github.created", "my-own-org"),
        (at("12:05"), "mallory", "lock.deleted", "018df000-0000-7000-8000-0000000000e1"),
    ],
}


@pytest.mark.parametrize("name", [name for name in DETECTIONS if name in FOUND])
def test_a_detection_finds_what_was_planted_and_only_that(outcome, name):
    assert outcome.found[name] == FOUND[name]


def test_silence_is_found_between_the_last_event_and_the_sign_of_life(outcome):
    ((silent_from, silent_until),) = outcome.found["silence"]
    assert silent_until == datetime(2024, 3, 3, 3)
    assert datetime(2024, 3, 2) < silent_from < datetime(2024, 3, 2, 23)


def test_what_was_sent_twice_is_told_with_its_object(outcome):
    ((uid, times, first, last),) = outcome.found["delivered_more_than_once"]
    assert (uid, times) == ("018df000-0000-7000-9000-000000000000", 2)
    assert first.startswith("logs/audit/2024030102") and last.startswith("logs/audit/2024030102")


def test_every_detection_has_its_planted_case():
    assert set(DETECTIONS) == {*FOUND, "silence", "delivered_more_than_once"}
