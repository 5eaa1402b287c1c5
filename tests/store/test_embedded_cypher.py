"""Statements as the embedded store gets them: names of properties are kept under others, and shown as they were."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import QueryError
from explorer.store.cypher_guard import check_read_only, tokenize
from explorer.store.embedded.cypher import translate
from explorer.store.embedded.names import shown_text, shown_value, stored_name, stored_value
from explorer.store.protocol import Node, Path, Relationship


def _translated(cypher: str, limit: int | None = None) -> str:
    return translate(cypher, tokenize(cypher), limit=limit).text


@pytest.mark.parametrize(
    ("cypher", "expected"),
    [
        ("RETURN s.id, s.class", "RETURN s.skillgraph_id, s.class"),
        ("RETURN s . title", "RETURN s.skillgraph_title"),
        ("RETURN s.`name`", "RETURN s.skillgraph_name"),
        (
            "MATCH (s {id: 1, x: 2, type: 3}) RETURN s",
            "MATCH (s {skillgraph_id: 1, x: 2, skillgraph_type: 3}) RETURN s",
        ),
        ("RETURN {id: {name: 1}}", "RETURN {skillgraph_id: {skillgraph_name: 1}}"),
        ("RETURN s {.id, .*, label: 1}", "RETURN s {.skillgraph_id, .*, skillgraph_label: 1}"),
        ("RETURN s {name, x}", "RETURN s {skillgraph_name: name, x: x}"),
        ("RETURN s['id'], $p[\"name\"]", "RETURN s['skillgraph_id'], $p[\"skillgraph_name\"]"),
        # Not names of properties:
        ("RETURN id(s), s AS id, type(r) AS type", "RETURN id(s), s AS id, type(r) AS type"),
        ("MATCH (id:name)-[type:id]->(title) RETURN id", "MATCH (id:name)-[type:id]->(title) RETURN id"),
        ("RETURN 'id', \".name\", ['id'] AS x", "RETURN 'id', \".name\", ['id'] AS x"),
        ("MATCH (s) WHERE s.x IN ['name'] RETURN 1", "MATCH (s) WHERE s.x IN (['name']) RETURN 1"),
        ("RETURN list[0..2], id", "RETURN list[0..2], id"),
        ("CALL db.schema.nodes() YIELD label RETURN label", "CALL db.schema.nodes() YIELD label RETURN label"),
        (
            "CALL (x) { WITH x, id, name RETURN 1 AS y } RETURN y",
            "CALL (x) { WITH x, id, name RETURN 1 AS y } RETURN y",
        ),
        ("CALL { WITH a, id RETURN id } RETURN id", "CALL { WITH a, id RETURN id } RETURN id"),
        # Further differences:
        ("RETURN /* .id */ 1 // .name", "RETURN           1"),
        ("RETURN 1 AS größe", "RETURN 1 AS `größe`"),
        ("RETURN 1;", "RETURN 1"),
    ],
)
def test_names_of_properties_are_kept_under_others(cypher: str, expected: str) -> None:
    assert _translated(cypher) == expected


@pytest.mark.parametrize(
    ("cypher", "expected"),
    [
        ("NOT EXISTS { (l)-[:LEARNED]->(s) }", "NOT EXISTS { (s)<-[:LEARNED]-(l) }"),
        ("NOT (l)-[:LEARNED]->(s)", "NOT (s)<-[:LEARNED]-(l)"),
        (
            "EXISTS { (l)-[:FINE_TUNED_FROM]->(:Layer)-[r:LEARNED {wave: 1}]->(s) }",
            "EXISTS { (s)<-[r:LEARNED {wave: 1}]-(:Layer)<-[:FINE_TUNED_FROM]-(l) }",
        ),
        ("EXISTS { (:Model)-[:ATTEMPTED]->(s) }", "EXISTS { (s)<-[:ATTEMPTED]-(:Model) }"),
        ("COUNT { (:Layer)-[:LEARNED|LACKS]->(s) } > 1", "COUNT { (s)<-[:LEARNED|LACKS]-(:Layer) } > 1"),
        (
            "EXISTS { MATCH (s)-[:ASSOCIATED_WITH]-(b) WHERE EXISTS { (l)-[:LEARNED]->(b) } }",
            "EXISTS { MATCH (s)-[:ASSOCIATED_WITH]-(b) WHERE EXISTS { (b)<-[:LEARNED]-(l) } }",
        ),
        # From the end already, or the end is not known yet, or it is not that of a layer's relationship.
        ("EXISTS { (s)<-[:LEARNED]-(l) }", None),
        ("EXISTS { MATCH (l)-[:LEARNED]->(b) WHERE b.wave = s.wave }", None),
        ("EXISTS { (l)-[:LEARNED]->(s:Skill) }", None),
        ("EXISTS { (:Text)-[:REQUIRES]->(s) }", None),
        ("EXISTS { (l)-[:LEARNED|REQUIRES]->(s) }", None),
        ("EXISTS { (l)-[]->(s) }", None),
        # The order of a list is that of the pattern.
        ("size([(x:Layer)-[:LEARNED]->(s) | x.wave]) = 1", None),
    ],
)
def test_whether_a_layer_has_learned_a_skill_is_looked_up_from_the_skill(cypher: str, expected: str | None) -> None:
    start = "MATCH (l:Layer)-[:LEARNED]->(s:Skill) WHERE "
    assert _translated(f"{start}{cypher} RETURN s") == f"{start}{expected or cypher} RETURN s"


@pytest.mark.parametrize(
    ("cypher", "limited"),
    [
        ("MATCH (s) RETURN s", True),
        ("MATCH (s) RETURN s ORDER BY s.limit SKIP 3", True),
        ("MATCH (s) WITH s LIMIT 3 RETURN s", True),
        ("MATCH (s) RETURN s // LIMIT", True),
        ("MATCH (s) CALL (s) { RETURN 1 AS x LIMIT 1 } RETURN x", True),
        ("MATCH (s) RETURN s limit 3", False),
        ("RETURN 1 AS x UNION RETURN 2 AS x", False),
        ("CALL db.labels()", False),
    ],
)
def test_a_limit_is_added_where_there_is_none(cypher: str, limited: bool) -> None:
    assert _translated(cypher, limit=7).endswith("\nLIMIT 7") == limited


def test_places_in_errors_are_those_of_what_was_written() -> None:
    cypher = "MATCH (s {id: 1, name: 'é'}) /* x */\nWHERE s.title = 1 AND s.id = 2 RETURN nope"
    statement = translate(cypher, tokenize(cypher))
    for word in ("MATCH", "WHERE", "AND", "RETURN", "nope", "id", "title"):
        stored, written = statement.text.rindex(word), cypher.rindex(word)
        at = [
            (text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place))
            for text, place in ((statement.text, stored), (cypher, written))
        ]
        found = statement.written_at(*at[0])
        # Within a longer stored name any place is the end of what was written for it.
        assert found == at[1] or word in ("id", "title")
        assert found[0] == at[1][0]


@pytest.mark.parametrize(
    "word", ["id", "title", "type", "name", "label", "node_type", "start", "end", "nodes", "relationships"]
)
def test_what_is_kept_under_another_name_is_shown_under_its_own(word: str) -> None:
    assert stored_name(word) != word
    assert stored_value({word: [{word: word}]}) == {stored_name(word): [{stored_name(word): word}]}
    assert shown_value({stored_name(word): [{stored_name(word): word}]}) == {word: [{word: word}]}
    assert shown_value([stored_name(word)]) == [word]
    assert shown_text(f"no s.{stored_name(word)} here") == f"no s.{word} here"


_names = st.sampled_from(["id", "name", "x", "labels", "properties", "nodes", "class"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=8,
)


@given(_json)
def test_a_value_of_the_users_is_never_taken_for_an_entity(value: Any) -> None:
    assert shown_value(stored_value(value)) == value


def test_entities() -> None:
    node = {
        "id": 1,
        "labels": ["Skill"],
        "properties": {"id": 7, "title": None, "type": "Skill", "skillgraph_id": "for"},
    }
    link = {"id": 3, "start": 1, "end": 1, "type": "PART_OF", "properties": {"weight": 1}}
    assert shown_value(node) == Node("1", ("Skill",), {"id": "for"})
    assert shown_value(link) == Relationship("3", "PART_OF", "1", "1", {"weight": 1})
    path = shown_value({"nodes": [node, node], "relationships": [link]})
    assert path == Path((shown_value(node),) * 2, (shown_value(link),))


@given(st.text(st.sampled_from("LOADCSV `'\"/*\n.;{}()$1aé\\"), max_size=30))
def test_tokens_are_all_that_is_there(text: str) -> None:
    """Whatever is not in a token is blank or comment."""
    try:
        tokens = tokenize(text)
    except QueryError:
        return
    rest = list(text)
    for token in tokens:
        assert text[token.start : token.start + len(token.text)] == token.text
        rest[token.start : token.start + len(token.text)] = " " * len(token.text)
    left = "".join(rest).split()
    assert not left or left[0].startswith(("//", "/*"))


@pytest.mark.parametrize("gap", [" ", "\n", "\t", " // and\n", " /* and */ ", "/**/", "\u00a0", "\x0b", "`"])
@pytest.mark.parametrize("words", [("LOAD", "CSV"), ("load", "csv"), ("Load", "`CSV`")])
def test_load_csv_does_not_hide(gap: str, words: tuple[str, str]) -> None:
    cypher = f"RETURN 1 AS x UNION {words[0]}{gap}{words[1]} FROM $f AS x RETURN x"
    with pytest.raises(QueryError):
        check_read_only(cypher, tokenize(cypher))


@pytest.mark.parametrize(
    ("unknown", "advice", "instead"),
    [
        ("LET x = s.id RETURN x", "write WITH *, … AS x", "WITH *, s.id AS x RETURN x"),
        ("FILTER s.x > 1 RETURN s", "write WITH * WHERE …", "WITH * WHERE s.x > 1 RETURN s"),
        ("ORDER BY s.x RETURN s.x", "write WITH * ORDER BY …", "WITH * ORDER BY s.x RETURN s.x"),
        ("LIMIT 3 RETURN s.x", "write WITH * LIMIT …", "WITH * LIMIT 3 RETURN s.x"),
        ("FINISH", "end with RETURN count(*)", "RETURN count(*)"),
        ("RETURN s NEXT RETURN 1", "write WITH in the place of RETURN … NEXT", "WITH s RETURN 1"),
    ],
)
def test_a_clause_that_is_not_known_is_refused_with_what_to_write(unknown: str, advice: str, instead: str) -> None:
    with pytest.raises(QueryError) as error:
        _translated(f"MATCH (s) {unknown}")
    assert str(error.value).endswith(f"'; {advice}")
    assert _translated(f"MATCH (s) {instead}")
