"""Омонимы, общеизвестное и обороты речи: документы из `homonyms.txt`, `pairs.txt` и
папки `constructions`.

Омоним раскрывают несколько предложений с одним смыслом; знания и обороты идут рядами одной темы
(«чем режут», «что где»), поэтому и здесь следующее предложение связано с предыдущим.
"""

from __future__ import annotations

from functools import cache

from lecture_lib.corpus.grammar import Compiled, compile_template
from lecture_lib.corpus.lexicon import construction_files, lexicon, rows
from lecture_lib.corpus.state import LINE, State
from lecture_lib.corpus.world import world


class Collection:
    """Ряд шаблонов одной темы; документ — несколько из них без повторов."""

    def __init__(self, kind: str, name: str, templates: list[str]):
        self.kind, self.name = kind, name
        self.templates: list[Compiled] = [compile_template(text, lexicon()) for text in templates]

    def emit(self, state: State) -> list:
        """Сыграть от трёх до семи шаблонов; роли `A` и `B` — жители-друзья."""
        town = world()
        state.roles["A"] = state.pick([r for r in town.adults if town.related("friend", r)])
        state.roles["B"] = state.pick(town.related("friend", state.roles["A"]))
        left = list(self.templates)
        for _ in range(min(len(left), 3 + int(state.draw() * 5))):
            left.pop(int(state.draw() * len(left))).emit(state)
            state.out.append(LINE)
        return []


@cache
def homonyms() -> list[Collection]:
    """По источнику на каждый смысл каждого омонима."""
    return _collections("homonym", "homonyms.txt")


@cache
def knowledge() -> list[Collection]:
    """По источнику на каждую тему `pairs.txt`."""
    return _collections("knowledge", "pairs.txt")


@cache
def constructions() -> list[Collection]:
    """По источнику на каждую тему папки `constructions`."""
    return _collections("construction", *construction_files())


def _collections(kind: str, *files: str) -> list[Collection]:
    themes: dict[str, list[str]] = {}
    for file in files:
        for theme, text in rows(file):
            themes.setdefault(theme, []).append(text)
    return [Collection(kind, theme, texts) for theme, texts in themes.items()]
