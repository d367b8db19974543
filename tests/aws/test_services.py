"""AWS's own services, as moto plays them, take the documents, and S3 tells the queue of objects."""

import json
from urllib.parse import unquote_plus

import boto3
import pytest
from moto import mock_aws

from policies import NAMES, document, filled_in

REGION = "us-east-1"


@pytest.fixture
def aws(monkeypatch):
    """An account of nobody, with the bucket."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        session = boto3.session.Session(region_name=REGION)
        session.client("s3").create_bucket(Bucket=NAMES["bucket"])
        yield session


def test_iam_takes_the_policies_and_the_trust(aws):
    iam = aws.client("iam")
    for name in ("writer-policy", "verifier-policy", "snowflake-role-policy"):
        created = iam.create_policy(PolicyName=name, PolicyDocument=filled_in(f"{name}.json"))
        version = iam.get_policy_version(PolicyArn=created["Policy"]["Arn"], VersionId="v1")
        assert version["PolicyVersion"]["Document"] == document(f"{name}.json")
    iam.create_role(
        RoleName="snowflake", AssumeRolePolicyDocument=filled_in("snowflake-role-trust.json")
    )


def test_iam_would_refuse_a_policy_that_is_none(aws):
    broken = filled_in("writer-policy.json").replace('"Effect"', '"Effects"')
    with pytest.raises(Exception, match="MalformedPolicyDocument"):
        aws.client("iam").create_policy(PolicyName="broken", PolicyDocument=broken)


def test_s3_takes_the_bucket_policy(aws):
    s3 = aws.client("s3")
    s3.put_bucket_policy(Bucket=NAMES["bucket"], Policy=filled_in("bucket-policy.json"))
    stored = s3.get_bucket_policy(Bucket=NAMES["bucket"])["Policy"]
    assert json.loads(stored) == document("bucket-policy.json")


def test_the_queue_hears_of_objects_under_the_prefix_and_of_no_others(aws):
    s3, sqs = aws.client("s3"), aws.client("sqs")
    queue = sqs.create_queue(QueueName=NAMES["queue_arn"].rpartition(":")[2])["QueueUrl"]
    s3.put_bucket_notification_configuration(
        Bucket=NAMES["bucket"], NotificationConfiguration=document("bucket-notification.json")
    )
    # S3 tries the queue at once.
    assert heard(sqs, queue) == ["s3:TestEvent"]

    for key in ("elsewhere/2024030112_0.gz", "logs/audit/2024030112_0.gz"):
        s3.put_object(Bucket=NAMES["bucket"], Key=key, Body=b"", IfNoneMatch="*")
    assert heard(sqs, queue) == ["logs/audit/2024030112_0.gz"]


def heard(sqs, queue) -> list[str]:
    """The keys in the queue's messages, which are taken out; of a test message its name."""
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    found = []
    for message in messages:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        body = json.loads(message["Body"])
        keys = [unquote_plus(record["s3"]["object"]["key"]) for record in body.get("Records", [])]
        found += keys or [body["Event"]]
    return found
