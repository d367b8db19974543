"""The Terraform module reads, hangs together, and fills in the same documents.

The provider is not at hand here, so that its arguments are right is not tested; what needs no
provider is run by Terraform itself where there is one.
"""

import json
import re
import shutil
import subprocess

import hcl2
import pytest

from policies import EXAMPLES, NAMES, document, filled_in

FILES = sorted(EXAMPLES.glob("*.tf"))
TEXT = "\n".join(re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE) for path in FILES)
TERRAFORM = shutil.which("terraform")

needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="there is no terraform here")


def declared(kind: str) -> list:
    """All blocks of a kind, of all files."""
    return [block for path in FILES for block in hcl2.loads(path.read_text()).get(kind, [])]


def names(kind: str) -> set[str]:
    """What they are called."""
    return {name.strip('"') for block in declared(kind) for name in block}


def test_every_variable_is_declared_and_used():
    assert set(re.findall(r"\bvar\.(\w+)", TEXT)) == names("variable")
    undescribed = [
        block for block in declared("variable") if not next(iter(block.values())).get("description")
    ]
    assert undescribed == []


def test_every_local_is_defined_and_used():
    defined = {name for block in declared("locals") for name in block if not name.startswith("__")}
    assert set(re.findall(r"\blocal\.(\w+)", TEXT)) == defined


def test_every_resource_that_is_named_is_there():
    there = {
        f"{kind.strip(chr(34))}.{name.strip(chr(34))}"
        for block in declared("resource")
        for kind, named in block.items()
        for name in named
    }
    assert set(re.findall(r"\baws_\w+\.\w+", TEXT)) <= there
    assert len(there) == 10


def test_every_document_is_given_its_names_and_no_others():
    calls = re.findall(
        r'templatefile\("\$\{path\.module\}/([\w.-]+)", \{(.*?)\}\)', TEXT, re.DOTALL
    )
    given = {
        name: set(re.findall(r"^\s*(\w+)\s*=", arguments, re.MULTILINE))
        for name, arguments in calls
    }
    asked = {
        path.name: set(re.findall(r"\$\{(\w+)\}", path.read_text()))
        for path in EXAMPLES.glob("*.json")
    }
    assert given == asked


@needs_terraform
def test_the_files_are_formatted_as_terraform_does():
    assert terraform("fmt", "-check", "-diff", EXAMPLES) == ""


@needs_terraform
def test_terraform_fills_in_the_same_documents(tmp_path):
    with_all = plan(tmp_path, NAMES)
    assert json.loads(with_all["writer_policy"]) == document("writer-policy.json")
    assert json.loads(with_all["verifier_policy"]) == document("verifier-policy.json")
    assert json.loads(with_all["bucket_policy"]) == document("bucket-policy.json")
    assert json.loads(with_all["snowflake_role_policy"]) == document("snowflake-role-policy.json")
    assert with_all["snowflake_role_trust"] == filled_in("snowflake-role-trust.json")
    assert with_all["notification"] == document("bucket-notification.json")


@needs_terraform
def test_what_is_not_known_yet_is_left_out(tmp_path):
    first = plan(tmp_path, {"bucket": NAMES["bucket"]})
    assert first["snowflake_role_trust"] is None and first["notification"] is None
    assert json.loads(first["writer_policy"]) == document("writer-policy.json")


@needs_terraform
@pytest.mark.parametrize(
    "mistake",
    [
        {"prefix": ""},
        {"prefix": "/logs/"},
        {"prefix": "logs"},
        {"external_id": None},
        {"snowflake_user_arn": None},
    ],
)
def test_a_mistake_is_told_before_anything_is_made(tmp_path, mistake):
    with pytest.raises(subprocess.CalledProcessError) as error:
        plan(tmp_path, NAMES | mistake)
    assert "Invalid value for variable" in error.value.stderr


def plan(directory, variables: dict) -> dict:
    """What Terraform makes of the part that needs no provider: the locals."""
    for path in EXAMPLES.iterdir():
        if path.suffix == ".json" or path.name in ("variables.tf", "policies.tf"):
            shutil.copy(path, directory)
    (directory / "terraform.tfvars.json").write_text(json.dumps(variables))
    wanted = re.findall(r"^  (\w+) += ", (directory / "policies.tf").read_text(), re.MULTILINE)
    outputs = "".join(f'output "{name}" {{\n  value = local.{name}\n}}\n' for name in wanted)
    (directory / "outputs.tf").write_text(outputs)
    terraform("init", "-input=false", "-no-color", cwd=directory)
    terraform("apply", "-auto-approve", "-input=false", "-no-color", cwd=directory)
    values = json.loads(terraform("output", "-json", cwd=directory))
    # An output that is null is not among them.
    return {name: values.get(name, {}).get("value") for name in wanted}


def terraform(*arguments, cwd=None) -> str:
    """Runs it, and gives what it says."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "CHECKPOINT_DISABLE": "1"}
    done = subprocess.run(
        [TERRAFORM, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
