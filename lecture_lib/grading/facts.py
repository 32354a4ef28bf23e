"""Что видно в ответе, не исполняя его: начат ли он, функция ли это, каков текст.

Заготовка — тело из одних «...», pass, raise NotImplementedError — значит «не начато», а не
«неверно». Те же факты можно получить из текста ячейки (facts_from_source): пакетной проверке
для этого не нужно исполнять чужой код.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Facts:
    """callable — можно вызвать; stub — заготовка; source — текст функции, если он известен."""

    callable: bool
    stub: bool = False
    source: str = ""


def facts_of(answer: Any) -> Facts:
    """Факты об объекте из тетради."""
    if not callable(answer):
        return Facts(callable=False, stub=is_empty(answer))
    try:
        source = textwrap.dedent(inspect.getsource(answer))
    except (OSError, TypeError):  # текст не сохранился: функция собрана на лету
        return Facts(callable=True)
    return Facts(callable=True, stub=is_stub(source), source=source)


def facts_from_source(source: str, name: str) -> Facts:
    """Факты об ответе name по тексту всех ячеек; последнее определение сильнее прежних."""
    found = Facts(callable=False, stub=True)
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return found
    for node in tree.body:
        if isinstance(node, FUNCTIONS) and node.name == name:
            text = ast.get_source_segment(source, node) or ""
            found = Facts(callable=True, stub=is_stub(text), source=text)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and name in _targets(node):
            is_lambda = isinstance(node.value, ast.Lambda | ast.Name | ast.Attribute | ast.Call)
            found = Facts(callable=is_lambda, stub=_is_nothing(node.value))
    return found


def is_empty(value: Any) -> bool:
    """Пусто ли значение: None, «...» или словарь, где хоть что-то ещё не заполнено."""
    if isinstance(value, Mapping):
        return any(item is None or item is Ellipsis for item in value.values())
    return value is None or value is Ellipsis


def is_stub(source: str) -> bool:
    """Заготовка ли это: кроме документации, в функции нет ничего, кроме «...», pass и return."""
    body = _body(source)
    return body is not None and all(_says_nothing(node) for node in body)


def same_code(first: str, second: str) -> bool:
    """Один ли это код — с точностью до пробелов, комментариев и документации."""
    bodies = _body(first), _body(second)
    if None in bodies:
        return False
    return [ast.dump(n) for n in bodies[0]] == [ast.dump(n) for n in bodies[1]]


def _body(source: str) -> list[ast.stmt] | None:
    """Тело первой функции в тексте, без документации; None — функции нет."""
    try:
        tree = ast.parse(textwrap.dedent(source))
    except SyntaxError:
        return None
    function = next((node for node in tree.body if isinstance(node, FUNCTIONS)), None)
    if function is None:
        return None
    has_text = ast.get_docstring(function) is not None
    return function.body[1:] if has_text else function.body


def _says_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass):
        return True
    if isinstance(node, ast.Raise):
        return "NotImplementedError" in ast.dump(node)
    return isinstance(node, ast.Expr | ast.Return) and _is_nothing(node.value)


def _is_nothing(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value in (None, Ellipsis))


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}
