"""What a query may say is decided on its tokens: one statement, that reads."""

from __future__ import annotations

import re

import pytest

from explorer.errors import QueryError
from explorer.store.cypher_guard import check_read_only, tokenize


def check(cypher: str) -> None:
    check_read_only(cypher, tokenize(cypher), procedures=frozenset())


@pytest.mark.parametrize(
    "several",
    [
        "RETURN 1; RETURN 2",
        "MATCH (n) RETURN n;MATCH (m) DELETE m",
        "RETURN 1; // nothing\nRETURN 2",
        "RETURN ';'; RETURN 2",
    ],
)
def test_several_statements_are_refused(several: str) -> None:
    with pytest.raises(QueryError, match="give one statement at a time"):
        check(several)


@pytest.mark.parametrize("one", ["RETURN 1;", "RETURN ';' AS text", "RETURN 1 // a; b", "RETURN 1 ; \n"])
def test_a_semicolon_that_ends_the_statement_or_stands_in_a_text_is_none_too_many(one: str) -> None:
    check(one)


@pytest.mark.parametrize(
    ("cypher", "message"),
    [
        ("CREATE (n)", "line 1, column 1: CREATE changes the store"),
        ("merge (n:Skill)", "column 1: MERGE changes the store"),
        ("DELETE n", "column 1: DELETE changes the store"),
        ("LOAD CSV FROM 'x' AS row RETURN row", "a query starts with MATCH"),
        ("EXPLAIN MATCH (n) RETURN n", "not 'EXPLAIN'; the result does not hold the plan of a query"),
        ("SHOW INDEXES", "not 'SHOW'; CALL db.labels(), CALL db.relationshipTypes()"),
        ("USE other MATCH (n) RETURN n", "not 'USE'; the option --store"),
        ("MATCH (n) LOAD CSV FROM 'x' AS row RETURN row", "column 11: LOAD CSV reads files"),
        ("MATCH (n)\nCALL db.stop() YIELD x RETURN x", "line 2, column 6: procedure db.stop is not allowed"),
        ("CALL db.labels.more() YIELD x RETURN x", "procedure db.labels.more is not allowed"),
    ],
)
def test_what_does_not_read_is_refused_with_its_place(cypher: str, message: str) -> None:
    with pytest.raises(QueryError, match=re.escape(message)):
        check_read_only(cypher, tokenize(cypher), procedures=frozenset({"db.labels"}))


@pytest.mark.parametrize(
    "cypher",
    [
        "CALL db.labels() YIELD label RETURN label",
        "CALL DB.Labels() YIELD label RETURN label",
        "MATCH (n) CALL (n) { RETURN 1 AS x } RETURN x",
        "MATCH (n) WHERE n.call STARTS WITH 'a' RETURN n",
        "MATCH (n:Call) WHERE n.load = 1 RETURN n.csv AS load",
    ],
)
def test_allowed_procedures_and_names_like_words_are_read(cypher: str) -> None:
    check_read_only(cypher, tokenize(cypher), procedures=frozenset({"db.labels"}))
