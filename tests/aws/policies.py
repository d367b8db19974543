"""The policies of examples/aws, filled in, and who may do what under them.

The decision is AWS's own for one account: a deny wins, an allow is needed, and a condition whose
key the request does not have fails, but for `Null`.
"""

import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from string import Template

EXAMPLES = Path(__file__).parents[2] / "examples" / "aws"

NAMES = {
    "bucket": "audit-events",
    "prefix": "logs/",
    "snowflake_user_arn": "arn:aws:iam::444455556666:user/snowflake",
    "external_id": "HARBOUR_SFCRole=2_ab/cd+ef=",
    "queue_arn": "arn:aws:sqs:us-east-1:123456789012:sf-snowpipe",
}


def filled_in(name: str) -> str:
    """The text of an example with all its names in it; a name that is missing is an error."""
    return Template((EXAMPLES / name).read_text()).substitute(NAMES)


def document(name: str) -> dict:
    """The same, read."""
    return json.loads(filled_in(name))


@dataclass(frozen=True)
class Request:
    """What somebody asks for; `context` has what the request says beside that."""

    action: str
    resource: str
    principal: str = "arn:aws:iam::123456789012:role/somebody"
    context: dict[str, str] = field(default_factory=dict)


def may(request: Request, *policies: dict) -> bool:
    """Whether these policies together let it pass."""
    applying = [
        statement["Effect"]
        for policy in policies
        for statement in policy["Statement"]
        if _applies(statement, request)
    ]
    return "Allow" in applying and "Deny" not in applying


def _applies(statement: dict, request: Request) -> bool:
    conditions = statement.get("Condition", {})
    return (
        any(fnmatchcase(request.action, action) for action in _listed(statement["Action"]))
        and any(fnmatchcase(request.resource, r) for r in _listed(statement.get("Resource", "*")))
        and _is_meant(statement.get("Principal", "*"), request.principal)
        and all(
            _holds(operator, request.context.get(key), _listed(wanted))
            for operator, keys in conditions.items()
            for key, wanted in keys.items()
        )
    )


def _is_meant(principal: str | dict, who: str) -> bool:
    return principal == "*" or who in _listed(principal["AWS"])


def _holds(operator: str, found: str | None, wanted: list[str]) -> bool:
    match operator:
        case "Null":
            return str(found is None).lower() in wanted
        case "Bool" | "StringEquals":
            return found in wanted
        case "StringLike":
            return found is not None and any(fnmatchcase(found, pattern) for pattern in wanted)
    raise NotImplementedError(operator)


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
