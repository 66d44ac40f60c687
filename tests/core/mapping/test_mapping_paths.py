from pathlib import Path
from typing import Any

import pytest
from mapping_cases import compiled, result, value_of

from engine.errors import ExpressionError, MappingError
from engine.model.bundle import File

ORDER: dict[str, Any] = {
    "id": 7,
    "customer": {"name": "Ann", "address": {"city": {"name": "Brno"}}},
    "lines": [{"sku": "a", "tags": ["x", "y"]}, {"sku": "b", "tags": []}],
    "items": [1, 2],
    "keys": "data",
    "get": "data too",
    "_id": "private",
    "odd name": 1,
    "1": "one",
    "none": None,
    "text": "hello",
    "buffer": b"ab",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("order.id", 7),
        ("order['id']", 7),
        ("order.customer.name", "Ann"),
        ("order.customer.address.city.name", "Brno"),
        ("order.lines[0].sku", "a"),
        ("order.lines[1]['tags']", []),
        ("order.lines[0].tags[-1]", "y"),
        ("order.lines.1.sku", "b"),
        ("order.items", [1, 2]),
        ("order.keys", "data"),
        ("order.get", "data too"),
        ("order._id", "private"),
        ("order['odd name']", 1),
        ("order[1]", "one"),
        ("order.text[0]", "h"),
        ("order . customer\n. name", "Ann"),
        ("(order.customer).name", "Ann"),
        ("order[field]", 7),
        ("order.lines[index].sku", "b"),
        ("order.lines[:1]", [ORDER["lines"][0]]),
        ("order.text[1:3]", "el"),
        ("order.text[::-1]", "olleh"),
        ("{'a': 1}.a", 1),
        ("[1, 2][1]", 2),
    ],
)
def test_a_path_reads_keys_and_indices(path: str, expected: Any) -> None:
    assert result(path, order=ORDER, field="id", index=1) == expected


@pytest.mark.parametrize(
    "path",
    [
        "order.missing",
        "order.missing.deeper.still",
        "order.none.x",
        "order.customer.missing",
        "order.customer.address.missing",
        "order.customer.address.city.missing.more",
        "order.lines[2]",
        "order.lines[2].sku",
        "order.lines[-3]",
        "order.text[9]",
        "order[nothing]",
        "order.missing[:2]",
        "order.__class__",
    ],
)
def test_what_is_missing_below_a_known_root_is_null(path: str) -> None:
    assert result(path, order=ORDER, nothing=None) is None


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("{{ order.id.x }}", "x"),
        ("{{ order.text.upper }}", "upper"),
        ("{{ order.lines.sku }}", "sku"),
        ("{{ order.lines['sku'] }}", "sku"),
        ("{{ order.customer.name.first.letter }}", "first"),
        ("{{ order.buffer.x }}", "x"),
    ],
)
def test_an_item_of_a_value_without_items_is_an_error_at_the_item(text: str, marked: str) -> None:
    with pytest.raises(MappingError) as caught:
        value_of(text, order=ORDER)
    assert text[caught.value.offset :][: caught.value.length] == marked


def test_the_item_of_an_array_hints_at_picking_an_element() -> None:
    with pytest.raises(MappingError, match=r"`order\.lines` is an array of 2") as caught:
        result("order.lines.sku", order=ORDER)
    assert "[0]" in caught.value.notes[0]


def test_a_name_that_the_scope_lacks_is_an_error_and_not_null() -> None:
    with pytest.raises(MappingError, match="nothing is called `invoice` here"):
        result("invoice.id")


def test_a_file_is_a_collection_of_its_facts_and_nothing_else() -> None:
    file = File("Movie.MOV", 5, "video/quicktime", "0" * 64, Path("content"))
    texts = "{{ f.name }} {{ f.stem }} {{ f.extension }} {{ f.size }} {{ f.type }} {{ f.path }}"
    assert value_of(texts, f=file) == "Movie.MOV Movie mov 5 video/quicktime "
    assert result("v.file", v={"file": file}) is file


def test_references_give_roots_items_and_the_place_of_each() -> None:
    text = "{{ video.file . stem }}-{{ a['b c'][0].d }}{{ x[y.z].w }}"
    references = compiled(text).references
    assert [(each.root, each.items) for each in references] == [
        ("video", ("file", "stem")),
        ("a", ("b c", 0, "d")),
        ("x", ()),
        ("y", ("z",)),
    ]
    for each in references:
        assert text[each.offset :][: each.length] == each.root
        for item, offset in zip(each.items, each.item_offsets, strict=True):
            assert text.startswith(str(item), offset)


def test_names_of_the_language_and_names_set_in_the_text_are_no_references() -> None:
    loop = "{% for b in c.d %}{{ b.x }}{{ loop.index }}{% endfor %}"
    text = "{{ now }}{{ pi }}{% set a = 1 %}{{ a }}" + loop
    assert [each.root for each in compiled(text).references] == ["c"]


def test_a_name_set_in_a_loop_is_a_reference_again_after_it() -> None:
    text = "{% for b in c %}{{ b }}{% endfor %}{{ b.y }}"
    assert [each.root for each in compiled(text).references] == ["c", "b"]


@pytest.mark.parametrize("expression", ["x.a['']", "x['']", "x.a[''].b"])
def test_an_item_without_a_name_has_a_place(expression: str) -> None:
    with pytest.raises(MappingError) as caught:
        result(expression, x=[1] if expression == "x['']" else {"a": [1]})
    assert caught.value.length == 1
    assert "it has no item" in caught.value.message


@pytest.mark.parametrize("expression", ["x[1, 2:3]", "x[0:1, 1]", "x[:, :]", "x['a', ::2].b"])
def test_a_slice_stands_alone_in_its_brackets(expression: str) -> None:
    with pytest.raises(ExpressionError, match="a slice stands alone") as caught:
        result(expression, x=[1])
    assert caught.value.problem_code == "E211"
