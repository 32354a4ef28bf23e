"""Мир «Городка»: жители, родство, соседство."""

from __future__ import annotations

from lecture_lib.corpus.lexicon import lexicon
from lecture_lib.corpus.world import FACTS, World, world


def test_town_is_populated():
    """Не меньше 200 жителей с неповторимыми именами; у каждого есть все свойства."""
    residents = world().residents
    assert len(residents) >= 200
    assert len({r.full_name for r in residents}) == len(residents)
    assert all(set(FACTS) <= set(r.attributes) for r in residents)


def test_world_does_not_depend_on_the_run():
    """Второй мир — тот же самый."""
    again = World(lexicon())
    assert [r.full_name for r in again.residents] == [r.full_name for r in world().residents]
    assert again.relations == world().relations


def test_kinship_is_mutual():
    """Муж и жена взаимны, ребёнок знает родителя, фамилия жены — женская форма."""
    town = world()
    for resident in town.residents:
        for spouse in town.related("spouse", resident):
            assert resident in town.related("spouse", spouse)
            assert {spouse.gender, resident.gender} == {"masc", "femn"}
            same_home = spouse.attributes["street"] is resident.attributes["street"]
            assert same_home
        for child in town.related("child", resident):
            assert resident in town.related("parent", child)
            assert child.index in town.children


def test_friends_have_different_names():
    """Друзья и коллеги — не тёзки: иначе «он» и имя не различали бы их."""
    town = world()
    for relation in ("friend", "colleague", "neighbour"):
        for resident in town.residents:
            names = [other.lexeme for other in town.related(relation, resident)]
            assert resident.lexeme not in names


def test_feminine_surnames_are_declined():
    """Женская фамилия — в женском роде во всех падежах."""
    women = [r for r in world().residents if r.gender == "femn"]
    assert all(
        r.last.forms["nomn sing"].endswith("а") or r.last.forms["nomn sing"].endswith("ая")
        for r in women
    )
    assert all(r.last.forms["datv sing"].endswith("ой") for r in women)
