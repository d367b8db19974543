"""The policies let each side do its work, and nothing beside it."""

import parliament
import pytest

from policies import NAMES, Request, document, filled_in, may

BUCKET = "arn:aws:s3:::audit-events"
OBJECT = f"{BUCKET}/logs/audit/2024030112_0.gz"
DIGEST = f"{BUCKET}/logs/digests/0123/0000000001-20240301T130000Z-0123456789abcdef.digest"

# What S3 knows of a put: over TLS, and whether it creates an object at once.
PUT = {"aws:SecureTransport": "true", "s3:ObjectCreationOperation": "true"}
CONDITIONAL = PUT | {"s3:if-none-match": "*"}
PART = PUT | {"s3:ObjectCreationOperation": "false"}
PLAIN = CONDITIONAL | {"aws:SecureTransport": "false"}


@pytest.mark.parametrize(
    "name",
    [
        "writer-policy.json",
        "verifier-policy.json",
        "bucket-policy.json",
        "snowflake-role-policy.json",
    ],
)
def test_actions_resources_and_conditions_go_together(name):
    findings = parliament.analyze_policy_string(
        filled_in(name), include_community_auditors=True
    ).findings
    assert [(finding.issue, finding.detail) for finding in findings] == []


def test_the_grammar_finds_what_is_wrong():
    wrong = filled_in("writer-policy.json").replace("s3:PutObject", "s3:PutObjects")
    findings = parliament.analyze_policy_string(wrong).findings
    assert [finding.issue for finding in findings] == ["UNKNOWN_ACTION"]


def test_every_condition_is_one_that_s3_knows_for_the_action():
    # The grammar does not look at the keys of `Null`.
    (s3,) = (service for service in parliament.iam_definition if service["prefix"] == "s3")
    known = {
        f"s3:{privilege['privilege']}": {
            key for kind in privilege["resource_types"] for key in kind["condition_keys"]
        }
        for privilege in s3["privileges"]
    }
    for name in ("bucket-policy.json", "verifier-policy.json", "snowflake-role-policy.json"):
        for statement in document(name)["Statement"]:
            asked = {key for keys in statement.get("Condition", {}).values() for key in keys}
            own = {key for key in asked if key.startswith("s3:")}
            assert not own or own <= known[statement["Action"]], statement["Sid"]


@pytest.mark.parametrize(
    ("allowed", "action", "resource", "context"),
    [
        (True, "s3:PutObject", OBJECT, CONDITIONAL),
        (True, "s3:PutObject", OBJECT, PART),
        (True, "s3:PutObject", DIGEST, CONDITIONAL),
        (False, "s3:PutObject", DIGEST, PUT),
        (False, "s3:GetObject", DIGEST, CONDITIONAL),
        (False, "s3:PutObject", OBJECT, PUT),
        (False, "s3:PutObject", OBJECT, PLAIN),
        (False, "s3:PutObject", f"{BUCKET}/elsewhere/2024030112_0.gz", CONDITIONAL),
        (False, "s3:PutObject", "arn:aws:s3:::another-bucket/logs/2024030112_0.gz", CONDITIONAL),
        (False, "s3:GetObject", OBJECT, CONDITIONAL),
        (False, "s3:DeleteObject", OBJECT, CONDITIONAL),
        (False, "s3:PutObjectAcl", OBJECT, CONDITIONAL),
        (False, "s3:ListBucket", BUCKET, CONDITIONAL),
        (False, "s3:PutBucketPolicy", BUCKET, CONDITIONAL),
    ],
)
def test_the_writer_creates_objects_under_the_prefix_and_does_nothing_else(
    allowed, action, resource, context
):
    request = Request(action, resource, context=context)
    assert may(request, document("writer-policy.json"), document("bucket-policy.json")) is allowed


def test_not_even_an_administrator_replaces_an_object():
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    bucket = document("bucket-policy.json")
    assert not may(Request("s3:PutObject", OBJECT, context=PUT), everything, bucket)
    assert may(Request("s3:PutObject", f"{BUCKET}/elsewhere/x", context=PUT), everything, bucket)


@pytest.mark.parametrize(
    ("allowed", "action", "resource", "prefix"),
    [
        (True, "s3:GetObject", OBJECT, None),
        (True, "s3:GetObjectVersion", OBJECT, None),
        (True, "s3:ListBucket", BUCKET, "logs/"),
        (True, "s3:ListBucket", BUCKET, "logs/audit/"),
        (True, "s3:GetBucketLocation", BUCKET, None),
        (False, "s3:ListBucket", BUCKET, None),
        (False, "s3:ListBucket", BUCKET, "payroll/"),
        (False, "s3:GetObject", f"{BUCKET}/payroll/2024.csv", None),
        (False, "s3:PutObject", OBJECT, None),
        (False, "s3:DeleteObject", OBJECT, None),
    ],
)
def test_snowflake_reads_and_lists_the_prefix_and_does_nothing_else(
    allowed, action, resource, prefix
):
    context = CONDITIONAL | ({} if prefix is None else {"s3:prefix": prefix})
    request = Request(action, resource, context=context)
    assert (
        may(request, document("snowflake-role-policy.json"), document("bucket-policy.json"))
        is allowed
    )


@pytest.mark.parametrize(
    ("allowed", "action", "resource", "prefix"),
    [
        (True, "s3:GetObject", OBJECT, None),
        (True, "s3:GetObject", DIGEST, None),
        (True, "s3:ListBucket", BUCKET, "logs/"),
        (False, "s3:ListBucket", BUCKET, None),
        (False, "s3:ListBucket", BUCKET, "payroll/"),
        (False, "s3:GetObject", f"{BUCKET}/payroll/2024.csv", None),
        (False, "s3:PutObject", DIGEST, None),
        (False, "s3:DeleteObject", DIGEST, None),
    ],
)
def test_the_verifier_reads_and_lists_the_prefix_and_does_nothing_else(
    allowed, action, resource, prefix
):
    context = CONDITIONAL | ({} if prefix is None else {"s3:prefix": prefix})
    request = Request(action, resource, context=context)
    assert may(request, document("verifier-policy.json"), document("bucket-policy.json")) is allowed


def test_only_snowflakes_user_with_our_external_id_takes_the_role():
    trust, user = document("snowflake-role-trust.json"), NAMES["snowflake_user_arn"]

    def assume(principal, context):
        return may(Request("sts:AssumeRole", "*", principal, context), trust)

    assert assume(user, {"sts:ExternalId": NAMES["external_id"]})
    assert not assume(user, {"sts:ExternalId": "another customer's"})
    assert not assume(user, {})
    assert not assume(
        "arn:aws:iam::444455556666:user/another", {"sts:ExternalId": NAMES["external_id"]}
    )
