"""Тишина при первом рисунке: matplotlib собирает список шрифтов и пишет об этом красным.

Сообщение английское и ни о чём не предупреждает, а увидел бы его каждый, кто открыл урок впервые.
Модуль загружается раньше остальных рисунков: список собирается при импорте.
"""

from __future__ import annotations

import logging

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
