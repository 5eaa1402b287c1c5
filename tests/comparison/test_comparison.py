"""Two layers side by side, against counts made by hand, and against other code on random data."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from explorer.errors import NotFoundError
from explorer.export import comparison_html, family_html
from explorer.service.association import associate
from explorer.service.comparison import LayerComparison, compare
from explorer.service.evidence import evidence, mastery_of
from explorer.service.family import family
from explorer.service.learning import learn
from explorer.service.loading import load
from explorer.service.matrix import family_matrix, group_csv, matrix_csv
from explorer.service.snapshot import layer_view
from explorer.store.protocol import Store
from loaders.dataset import Dataset, build_dataset
from tests.evidence.test_layers import BASE, OTHER, TUNED
from tests.evidence.test_layers import dataset as with_outcomes


def corpus(rng: np.random.Generator) -> Dataset:
    """A foundation part over basic skills, a domain part over basic and domain skills."""
    texts, parts, pairs = [], [], []
    for part, count, basic, domain in (("general", 150, 2, 0), ("domain", 120, 1, 2)):
        for n in range(count):
            texts.append(f"{part}{n}")
            parts.append(part)
            skills = {f"b{k:02d}" for k in rng.integers(0, 80, rng.poisson(basic) + 1)}
            skills |= {f"d{k:02d}" for k in rng.integers(0, 60, rng.poisson(domain))} if domain else set()
            pairs += [(texts[-1], s) for s in skills]
    skills = sorted({s for _, s in pairs})
    return build_dataset(
        "d",
        texts=pa.table({"id": texts, "part": parts}),
        skills=pa.table(
            {
                "id": skills,
                "name": [s.upper() for s in skills],
                "class": [None if s.endswith("7") else s[0] for s in skills],
                "level": [int(s[1]) for s in skills],
            }
        ),
        requirements=pa.table({"text": [t for t, _ in pairs], "skill": [s for _, s in pairs]}),
    )


@pytest.fixture
def learned(store: Store) -> Store:
    store.write_dataset(corpus(np.random.default_rng(4)))
    learn(store, "d", name="base", parts=["general"])
    for mode in ("frozen", "continued", "joint"):
        learn(store, "d", name=mode, parts=["domain"], base="base", mode=mode)  # type: ignore[arg-type]
    return store


def skills_of(store: Store, layer: str) -> set[str]:
    return set(store.read_layer("d", layer).skills["skill"].to_pylist())


def test_counts_are_those_of_sets_in_every_grouping(learned: Store) -> None:
    found = compare(learned, "d", "base", "continued")
    first, second = skills_of(learned, "base"), skills_of(learned, "continued")
    assert (found.kept, found.gained, found.lost, found.open) == (
        len(first & second),
        len(second - first),
        len(first - second),
        0,
    )
    assert found.gained > 10
    table = learned.read_dataset("d").skills.to_pylist()
    universe = set(layer_view(learned, "d", "continued").indexed.skills.ids.to_pylist())
    for rows, column in ((found.by_class, "class"), (found.by_level, "level")):
        for row in rows:
            label = getattr(row, "skill_class" if column == "class" else "level")
            members = {s["id"] for s in table if s[column] == label} & universe
            assert (row.skills, row.first, row.second) == (len(members), len(members & first), len(members & second))
            assert (row.kept, row.gained) == (len(members & first & second), len(members & second - first))
        assert sum(row.skills for row in rows) == len(universe)
    assert [row.level for row in found.by_level] == sorted(row.level for row in found.by_level if row.level is not None)
    assert sum(row.gained for row in found.by_component) == found.gained
    assert sum(row.kept + row.lost for row in found.by_component) == len(first)
    backwards = compare(learned, "d", "continued", "base")
    assert (backwards.gained, backwards.lost) == (found.lost, found.gained)
    assert not backwards.training


def test_attachments_are_associations_of_the_second_layer(learned: Store) -> None:
    associate(learned, "d", "continued")
    weights: dict[str, dict[str, int]] = {}
    for row in learned.read_associations("d", "continued").to_pylist():
        for a, b in ((row["source"], row["target"]), (row["target"], row["source"])):
            weights.setdefault(a, {})[b] = row["weight"]
    first = skills_of(learned, "base")
    for change in compare(learned, "d", "base", "continued").changes:
        if change.change != "gained":
            assert not change.attachments
            continue
        anchors = {skill: w for skill, w in weights.get(change.skill, {}).items() if skill in first}
        assert change.attached_to == sum(anchors.values())
        assert {a.skill: a.weight for a in change.attachments}.items() <= anchors.items()
        assert [a.weight for a in change.attachments] == sorted(anchors.values(), reverse=True)[:5]


def test_components_are_those_of_the_first_layers_association_graph(learned: Store) -> None:
    associate(learned, "d", "base")
    component = dict(
        zip(*(learned.read_layer("d", "base").skills[c].to_pylist() for c in ("skill", "component")), strict=True)
    )
    found = compare(learned, "d", "base", "joint")
    for change in found.changes:
        if change.change in ("kept", "lost"):
            assert change.component == component[change.skill]
    sizes = np.bincount(list(component.values()))
    listed = {row.component: row.skills for row in found.by_component if row.component is not None}
    assert listed == dict(enumerate(sizes.tolist()[:20]))


def test_training_rows_hold_the_measured_layers_and_their_order(learned: Store) -> None:
    rows = {row.mode: row for row in compare(learned, "d", "base", "continued").training}
    assert list(rows) == ["foundation", "frozen", "continued", "joint"]
    n = len(layer_view(learned, "d", "continued").indexed.skills)
    for mode, name in (("foundation", "base"), ("frozen", "frozen"), ("continued", "continued"), ("joint", "joint")):
        assert rows[mode].layer == name
        assert rows[mode].measured == pytest.approx(len(skills_of(learned, name)) / n)
    for side in ("measured", "poisson", "degrees"):
        course = [getattr(rows[mode], side) for mode in ("frozen", "continued", "joint")]
        assert course == sorted(course), "frozen ⊆ continued ⊆ joint, measured and predicted"
        assert getattr(rows["frozen"], f"{side}_basic") == pytest.approx(getattr(rows["foundation"], f"{side}_basic"))


@pytest.mark.long
def test_prediction_meets_measurement_on_graphs_of_the_ensemble(store: Store) -> None:
    """Poisson texts over skills drawn at random: the theory is about these, so both must agree.

    Away from thresholds the learned fraction of 6 000 skills spreads by less than 0.02 between graphs.
    """
    rng = np.random.default_rng(1)
    n = 3_000
    parts, texts, skills = [], [], []
    for part, count, means in (("general", 3_600, (3.0, 0.0)), ("domain", 4_800, (1.0, 3.0))):
        for t in range(count):
            for kind, mean in zip("bd", means, strict=True):
                for k in set(rng.integers(0, n, rng.poisson(mean)).tolist()):
                    texts.append(f"{part}{t}")
                    skills.append(f"{kind}{k}")
            parts.append((f"{part}{t}", part))
    names = sorted({f"{kind}{k}" for kind in "bd" for k in range(n)})
    store.write_dataset(
        build_dataset(
            "d",
            texts=pa.table({"id": [t for t, _ in parts], "part": [p for _, p in parts]}),
            skills=pa.table({"id": names}),
            requirements=pa.table({"text": texts, "skill": skills}),
        )
    )
    learn(store, "d", name="base", parts=["general"])
    for mode in ("frozen", "continued", "joint"):
        learn(store, "d", name=mode, parts=["domain"], base="base", mode=mode)  # type: ignore[arg-type]
    for row in compare(store, "d", "base", "frozen").training:
        assert row.measured is not None
        assert row.poisson == pytest.approx(row.measured, abs=0.03)
        assert row.degrees == pytest.approx(row.measured, abs=0.03)


def test_levels_come_from_prerequisites_where_the_data_give_none(store: Store) -> None:
    store.write_dataset(
        build_dataset(
            "d",
            texts=pa.table({"id": ["t", "u"], "part": ["x", "y"]}),
            skills=pa.table({"id": ["a", "b", "c"]}),
            requirements=pa.table({"text": ["t", "u", "u", "u"], "skill": ["a", "a", "b", "c"]}),
            prerequisites=pa.table({"prerequisite": ["a", "b"], "skill": ["b", "c"]}),
        )
    )
    learn(store, "d", name="one", parts=["x"])
    learn(store, "d", name="two", parts=["y"], base="one")
    assert [(r.level, r.skills, r.first) for r in compare(store, "d", "one", "two").by_level] == [
        (0, 1, 1),
        (1, 1, 0),
        (2, 1, 0),
    ]


def test_layers_whose_texts_were_replaced_compare_by_their_skills_alone(store: Store) -> None:
    def texts(ids: list[str]) -> Dataset:
        return build_dataset(
            "d",
            texts=pa.table({"id": ids, "part": ids}),
            skills=pa.table({"id": ["a", "b"]}),
            requirements=pa.table({"text": ids, "skill": ["a", "b"]}),
        )

    load(store, lambda: texts(["t", "u"]), name="d")
    learn(store, "d", name="one", parts=["t"])
    learn(store, "d", name="two", parts=["u"], base="one", mode="continued")
    load(store, lambda: texts(["v", "w"]), name="d", replace=True)
    report = compare(store, "d", "one", "two")
    assert [(r.skill, r.component, r.attachments) for r in report.changes if r.change == "gained"] == [("b", None, ())]
    assert [member.layer.name for member in family(store, "d").members] == ["one", "two"]


@pytest.fixture
def estimated(store: Store) -> Store:
    store.write_dataset(with_outcomes())
    evidence(store, "d", fit="dina", ignored_classes=["task"])
    return store


def test_what_was_learned_and_lost_in_truth_is_found(estimated: Store) -> None:
    kinds = {c.skill: c.change for c in compare(estimated, "d", "org_base", "org_tuned").changes}
    assert {skill for skill, kind in kinds.items() if kind == "lost"} == {"a"}
    assert {skill for skill, kind in kinds.items() if kind == "gained"} == {"c"}
    assert set(kinds) == set("abcdefghz"), "every skill that was in the fit has a row"


def test_change_of_mastery_adds_up_the_posteriors(store: Store) -> None:
    store.write_dataset(with_outcomes(error=0.3, texts=40))
    evidence(store, "d", fit="dina", ignored_classes=["task"])
    m = compare(store, "d", "org_base", "org_tuned").mastery
    p, q = (mastery_of(store, "d", name).mastery for name in ("org_base", "org_tuned"))
    both = ~np.isnan(p) & ~np.isnan(q)
    p, q = p[both], q[both]
    assert ((p > 0.003) & (p < 0.997)).sum() > 4, "noisy enough for a spread"
    assert m is not None
    assert m.compared == both.sum()
    # Drawn from both posteriors: mean and spread of the counts, to within four standard errors of 40 000 draws.
    rng = np.random.default_rng(0)
    a, b = rng.random((40_000, len(p))) < p, rng.random((40_000, len(q))) < q
    for value, deviation, drawn in (
        (m.mean_change, m.mean_change_deviation, b.mean(axis=1) - a.mean(axis=1)),
        (m.expected_gained, m.expected_gained_deviation, (~a & b).sum(axis=1)),
        (m.expected_lost, m.expected_lost_deviation, (a & ~b).sum(axis=1)),
    ):
        assert value == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 200)
        assert deviation == pytest.approx(drawn.std(), rel=0.1)


def test_a_skill_of_which_the_other_cannot_tell_is_neither_gained_nor_lost(estimated: Store) -> None:
    """Without b's texts the second model says nothing of b: open, not lost."""
    data = estimated.read_dataset("d")
    of_b = set(
        data.requirements.filter(pa.compute.equal(data.requirements["skill"].cast(pa.string()), "b"))[
            "text"
        ].to_pylist()
    )
    attempts = data.attempts.to_pylist()
    kept = [a for a in attempts if not (a["model"] == TUNED and a["text"] in of_b)]
    estimated.write_dataset(
        build_dataset(
            "d",
            texts=data.texts,
            skills=data.skills,
            requirements=data.requirements,
            models=data.models,
            attempts=pa.Table.from_pylist(kept),
        ),
        replace=True,
    )
    evidence(estimated, "d", fit="dina", ignored_classes=["task"])
    found = compare(estimated, "d", "org_base", "org_tuned")
    by_skill = {c.skill: c for c in found.changes}
    assert (by_skill["b"].change, by_skill["b"].items) == ("open", 0)
    assert any("different texts" in caution for caution in found.cautions)
    assert sum(row.open for row in found.by_class) == found.open
    back = {c.skill: c.change for c in compare(estimated, "d", "org_tuned", "org_base").changes}
    assert back["b"] == "open"


def test_cautions_name_what_would_mislead(estimated: Store) -> None:
    assert not any("noise family" in c for c in compare(estimated, "d", "org_base", "org_tuned").cautions)
    evidence(estimated, "d", fit="dina", noise="model", ignored_classes=["task"])
    assert any("--noise family" in c for c in compare(estimated, "d", "org_base", "org_tuned").cautions)
    learn(estimated, "d", name="peeled")
    assert any("peeling" in c for c in compare(estimated, "d", "peeled", "org_base").cautions)


def test_family_is_every_pair_compared(estimated: Store) -> None:
    found = family(estimated, "d")
    assert [(m.layer.name, m.depth, m.model) for m in found.members] == [("org_base", 0, BASE), ("org_tuned", 1, TUNED)]
    assert found.pairs == 1
    pair = compare(estimated, "d", "org_base", "org_tuned", predict=False)
    child = found.members[1]
    assert (child.kept, child.gained, child.lost, child.open) == (pair.kept, pair.gained, pair.lost, pair.open)
    assert pair.mastery is not None
    assert child.mean_change == pair.mastery.mean_change
    assert family(estimated, "d", root="org_tuned").pairs == 0
    with pytest.raises(NotFoundError, match="'nothing'"):
        family(estimated, "d", root="nothing")
    assert OTHER not in {m.layer.name for m in found.members}, "it has no relatives"


class Page(HTMLParser):
    """Tags, text, and what the page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.text = ""
        self.headed = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)
        self.fetched += [str(v) for k, v in attrs if k in ("src", "href")]
        assert tag not in ("script", "link", "iframe", "object", "embed")
        self.headed += tag == "th"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(html: str) -> Page:
    parsed = Page()
    parsed.feed(html)
    parsed.close()
    assert parsed.open == [], "every element is closed"
    assert parsed.fetched == [], "nothing is fetched"
    assert "url(" not in html
    assert "@import" not in html
    return parsed


def numbers_shown(found: LayerComparison, text: str) -> bool:
    return all(f"{n:,} {kind}" in text for n, kind in ((found.gained, "gained"), (found.lost, "lost")))


def test_report_is_one_file_with_everything(estimated: Store) -> None:
    found = compare(estimated, "d", "org_base", "org_tuned")
    shown = page(comparison_html(found))
    assert numbers_shown(found, shown.text)
    assert "Change of mastery" in shown.text
    pages = page(family_html(family(estimated, "d")))
    assert "org_tuned" in pages.text


def test_report_of_learned_layers_lists_gains_losses_and_training(learned: Store) -> None:
    found = compare(learned, "d", "continued", "base")
    shown = page(comparison_html(found))
    assert numbers_shown(found, shown.text)
    assert found.lost > 10
    assert f"Lost ({found.lost})" in shown.text, "losses are as visible as gains"
    with_training = page(comparison_html(compare(learned, "d", "base", "continued"), rows=3))
    assert "frozen: no basic skills are added" in with_training.text
    assert "the first 3 of" in with_training.text


def test_names_cannot_break_the_report(store: Store) -> None:
    nasty = '<script>alert("&")</script>'
    store.write_dataset(
        build_dataset(
            "d",
            texts=pa.table({"id": ["t", "u"], "part": ["x", "y"]}),
            skills=pa.table({"id": ["a", nasty], "class": [nasty, nasty]}),
            requirements=pa.table({"text": ["t", "u", "u"], "skill": ["a", "a", nasty]}),
        )
    )
    learn(store, "d", name="one", parts=["x"])
    learn(store, "d", name="<two>", parts=["y"], base="one")
    html = comparison_html(compare(store, "d", "one", "<two>"))
    assert nasty in page(html).text
    assert "<script" not in html


def test_every_pair_of_layers_compares(learned: Store) -> None:
    for a, b in combinations(["base", "frozen", "continued", "joint"], 2):
        found = compare(learned, "d", a, b, predict=False)
        assert found.kept + found.gained == len(skills_of(learned, b))
        json.dumps(found.gained)


def test_a_family_at_once(store: Store) -> None:
    store.write_dataset(with_outcomes())
    evidence(store, "d", ignored_classes=["task"], judged=False)
    found = family_matrix(store, "d")
    assert {info.name for info in found.layers} == {"org_base", "org_tuned", "other"}
    assert set(found.skills) == set("abcdefgh"), "neither ignored nor untested skills are in it"
    base, tuned = ([info.name for info in found.layers].index(name) for name in ("org_base", "org_tuned"))
    assert np.isnan(found.q_value[base]).all(), "a root has no base to differ from"
    assert {found.skills[k] for k in np.flatnonzero(found.q_value[tuned] <= 0.05)} >= {"a", "c"}
    assert ((found.low <= found.rate) & (found.rate <= found.high))[~np.isnan(found.rate)].all()
    groups = found.grouped("class")
    k = [c == "k" for c in found.classes]
    at = groups.labels.index("k")
    for name in ("rate", "low", "high", "expected"):
        assert getattr(groups, name)[base, at] == pytest.approx(np.nanmean(getattr(found, name)[base][k]))
    assert groups.skills[at] == sum(k)
    assert np.isnan(groups.difference[base]).all()
    # A class is compared on the texts that require one of its skills, as in a comparison of the two.
    (row,) = (r for r in compare(store, "d", "org_base", "org_tuned").by_class if r.skill_class == "k")
    assert (groups.difference[tuned, at], groups.difference_low[tuned, at]) == pytest.approx((row.difference, row.low))
    assert set(found.grouped("level").labels) == {None}
    lines = matrix_csv(found).splitlines()
    assert len(lines) == 1 + int((found.attempted > 0).sum())
    assert lines[0].endswith(",beyond_noise,skills_add,gain,gain_error")
    assert lines[1].endswith(",,,"), "not judged"
    by_class = [line.split(",") for line in group_csv(found, "class").splitlines()]
    assert by_class[0][:4] == ["layer", "base", "class", "skills"]
    assert len(by_class) == 1 + 3 * len(groups.labels)
    assert family_matrix(store, "d", root="org_tuned").rate.shape[0] == 1
