"""Connections of the scenario and of a file, and which one a node uses."""

from pathlib import Path

import pytest

from engine.errors import ScenarioError
from engine.module import Credential
from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.plan import EMBEDDED, Plan

CALL = "flow: [{id: call, module: service.call}]\n"
REAL = "service: {type: service, token: {env: TOKEN}, base_url: https://example.com}\n"


def plan_of(text: str, catalog: Catalog, folder: Path, file: Path | None = None) -> Plan:
    return load_text(text, folder / "demo.yaml", catalog, connections_file=file)


def test_a_node_without_a_connection_uses_the_one_named_like_its_connector(
    catalog: Catalog, tmp_path: Path
) -> None:
    plan = plan_of(f"connections:\n  {REAL}{CALL}", catalog, tmp_path)

    assert plan.nodes["call"].connection == "service"
    assert plan.connections["service"].token == Credential(env="TOKEN")
    assert plan.connections["service"].base_url == "https://example.com"


def test_a_node_without_any_connection_uses_its_connectors_own_server(
    catalog: Catalog, tmp_path: Path
) -> None:
    plan = plan_of(CALL, catalog, tmp_path)

    assert plan.nodes["call"].connection is None
    assert plan.connections == {}


def test_an_embedded_connection_is_a_mark(catalog: Catalog, tmp_path: Path) -> None:
    text = "connections: {here: {type: service, embedded: true}}\n"

    plan = plan_of(text + CALL.replace("call,", "call, connection: here,", 1), catalog, tmp_path)

    assert plan.connections == {"here": EMBEDDED}
    assert plan.nodes["call"].connection == "here"


def test_the_file_beside_the_scenario_wins_over_the_scenario(
    catalog: Catalog, tmp_path: Path
) -> None:
    (tmp_path / "connections.yaml").write_text(REAL)

    plan = plan_of(
        f"connections: {{service: {{type: service, embedded: true}}}}\n{CALL}", catalog, tmp_path
    )

    assert plan.connections["service"].token == Credential(env="TOKEN")


def test_a_given_file_takes_the_place_of_the_one_beside_the_scenario(
    catalog: Catalog, tmp_path: Path
) -> None:
    (tmp_path / "connections.yaml").write_text("broken: [")
    given = tmp_path / "test.yaml"
    given.write_text("service: {type: service, embedded: true}\n")

    plan = plan_of(CALL, catalog, tmp_path, given)

    assert plan.connections == {"service": EMBEDDED}


def test_a_problem_in_the_file_points_into_the_file(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "connections.yaml"
    file.write_text("service:\n  type: service\n  token: abcdefgh12345678\nother: 5\n")

    with pytest.raises(ScenarioError) as caught:
        plan_of(CALL, catalog, tmp_path)

    secret, other = caught.value.problems
    assert (secret.code, str(secret.place)) == ("E303", f"{file}:3:10")
    assert (other.code, str(other.place)) == ("E112", f"{file}:4:8")
    assert "abcdefgh12345678" not in repr(caught.value.problems)


def test_a_given_file_that_is_not_there_says_so(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such file"):
        plan_of(CALL, catalog, tmp_path, tmp_path / "none.yaml")


def test_a_connection_named_like_a_connector_but_of_another_is_not_taken_by_itself(
    catalog: Catalog, tmp_path: Path
) -> None:
    text = "connections: {demo: {type: service, embedded: true}}\nflow: [{module: demo.put}]\n"

    assert plan_of(text, catalog, tmp_path).trigger.connection is None
