"""References to secrets: what they give, and what people are told when there is nothing."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from engine.connect.credentials import secret_of
from engine.errors import SetupError
from engine.module import Credential


def secret(credential: Credential, folder: Path, **environment: str) -> str:
    return secret_of(credential, "cloudconvert.api_key", folder, environment)


def written(folder: Path, content: str, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_text(content)
    path.chmod(mode)
    return path


def test_an_environment_variable_gives_its_value(tmp_path: Path) -> None:
    assert secret(Credential(env="CC_KEY"), tmp_path, CC_KEY="s3cret\n") == "s3cret"


@pytest.mark.parametrize("environment", [{}, {"CC_KEY": ""}, {"CC_KEY": "  "}])
def test_a_missing_variable_says_how_to_set_it(tmp_path: Path, environment: dict[str, str]) -> None:
    with pytest.raises(SetupError, match="`CC_KEY`") as caught:
        secret(Credential(env="CC_KEY"), tmp_path, **environment)
    problem = caught.value.problems[0]
    assert problem.code == "E302"
    assert "cloudconvert.api_key" in problem.message
    assert problem.notes == ("set it in the shell: export CC_KEY=…",)


def test_a_file_gives_its_content_without_the_last_newline(tmp_path: Path) -> None:
    written(tmp_path, "s3cret\n")
    assert secret(Credential(file="key"), tmp_path) == "s3cret"


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "s3cret", 0o644)
    with pytest.raises(SetupError, match="0644") as caught:
        secret(Credential(file="key"), tmp_path)
    assert "chmod 600" in caught.value.problems[0].notes[0]
    assert "s3cret" not in str(caught.value.problems)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="No such file"):
        secret(Credential(file="nowhere"), tmp_path)


@pytest.mark.parametrize("content", ["", "\n", "two\nlines\n", "umläut"])
def test_a_file_whose_content_cannot_be_a_key_is_refused(tmp_path: Path, content: str) -> None:
    written(tmp_path, content)
    with pytest.raises(SetupError):
        secret(Credential(file="key"), tmp_path)


def test_a_missing_keyring_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SetupError, match="package `keyring` is not installed") as caught:
        secret(Credential(keyring="fusion/cloudconvert"), tmp_path)
    assert "pip install keyring" in caught.value.problems[0].notes[0]


def test_the_keyring_is_asked_for_service_and_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = ModuleType("keyring")
    keyring.__dict__["get_password"] = lambda service, name: f"{service}:{name}"
    keyring.__dict__["errors"] = SimpleNamespace(KeyringError=RuntimeError)
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert secret(Credential(keyring="fusion/cloud/convert"), tmp_path) == "fusion:cloud/convert"


def test_a_keyring_entry_needs_service_and_name(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="does not name"):
        secret(Credential(keyring="fusion"), tmp_path)
