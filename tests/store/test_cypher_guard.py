"""What a query may say is decided on its tokens: one statement, that reads."""

from __future__ import annotations

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


@pytest.mark.parametrize("cypher", ["CREATE (n)", "merge (n:Skill)", "DELETE n", "LOAD CSV FROM 'x' AS row RETURN row"])
def test_what_does_not_read_is_refused(cypher: str) -> None:
    with pytest.raises(QueryError):
        check(cypher)
