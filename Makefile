# make lab   — поставить курс и открыть JupyterLab на уроках
# make test  — поставить всё для проверки и прогнать её
# Остальное — в README.md. Нужен Python 3.11 или новее, как и сказано в pyproject.toml.

VENV := .venv
BIN := $(VENV)/bin

# Свой интерпретатор:            make lab PYTHON=python3.12
# Другой источник пакета torch:  make lab TORCH_INDEX=адрес   (README, «torch без CUDA»)
# Ключи для JupyterLab:          make lab ARGS="--ip 0.0.0.0 --port 8899"
PYTHON ?=
TORCH_INDEX ?=
ARGS ?=

# Из чего собирается constraints.txt: make constraints TORCH=torch==2.14.0
FRESH := $(VENV)/fresh
TORCH ?= $(shell grep '^torch==' constraints.txt)

PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	--constraint constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

# $(call APT,путь,пакет,беда): нет файла — поставить пакет Debian, а не вышло — сказать громко.
APT = [ -e $(1) ] || { \
	[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { $(call GET,$(2)) || \
	{ apt-get update -qq && $(call GET,$(2)); }; } >/dev/null 2>&1; } || \
	echo 'ВНИМАНИЕ: нет $(2) — $(3) (Debian, Ubuntu: sudo apt install $(2)).'
GET = DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1)

# Чужие пути к модулям не должны заслонять то, что стоит в .venv.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP

.DEFAULT_GOAL := help
# Не удалось создать .venv до конца — начать его заново, а не продолжать без pip.
.DELETE_ON_ERROR:
.PHONY: help lab test constraints clean

help:  ## Показать эти команды
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

lab: $(VENV)/.ready-lab  ## Поставить курс и открыть JupyterLab на уроках
	@$(BIN)/lecture lab $(ARGS)

test: $(VENV)/.ready-test  ## Поставить всё для проверки и прогнать её
	@$(BIN)/lecture test $(ARGS)

# Метки: пакеты ставятся заново, только когда изменились их списки.
$(VENV)/.ready-test: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Ставлю курс и инструменты проверки в $(VENV): в первый раз это несколько минут…'
	@$(PIP_INSTALL) --editable '.[dev]'
	@$(call APT,"$$(command -v bwrap)",bubblewrap,тесты песочницы пропустятся)
	@$(call APT,/usr/bin/chromium,chromium,тесты в браузере пропустятся)
	@rm -rf lecture_lib.egg-info
	@touch $@ $(VENV)/.ready-lab

$(VENV)/.ready-lab: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Ставлю курс в $(VENV): в первый раз это несколько минут…'
	@$(PIP_INSTALL) --editable .
	@rm -rf lecture_lib.egg-info
	@touch $@

# Берём первый Python, который и правда запускается, сам 3.11 или новее и умеет делать venv:
# имя python3.13 в PATH ещё ничего не значит (так бывает у pyenv).
$(BIN)/python:
	@found=; newest=; \
	for candidate in $(if $(PYTHON),'$(PYTHON)',python3 python3.13 python3.12 python3.11 python); do \
		"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		newest=$${newest:-$$candidate}; \
		"$$candidate" -c 'import ensurepip, venv' 2>/dev/null || continue; \
		found=$$candidate; break; \
	done; \
	if [ -z "$$newest" ]; then \
		echo 'Нужен Python 3.11 или новее$(if $(PYTHON), — «$(PYTHON)» не подходит).' >&2; \
		echo "Сейчас python3 — это: $$(python3 --version 2>/dev/null || echo 'не найден')." >&2; \
		echo 'Поставьте Python 3.11–3.13 и повторите; если он не в PATH: make lab PYTHON=/путь/к/python3.12' >&2; \
		exit 1; \
	elif [ -z "$$found" ]; then \
		echo "У $$newest нет модуля venv. В Debian и Ubuntu он ставится отдельно:" >&2; \
		echo "  sudo apt install $$("$$newest" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; \
		exit 1; \
	fi; \
	echo "Создаю $(VENV): $$("$$found" --version)"; \
	"$$found" -m venv --clear $(VENV)

constraints: | $(BIN)/python  ## Пересобрать constraints.txt по pyproject.toml
	@rm -rf $(FRESH) && $(or $(PYTHON),python3) -m venv $(FRESH)
	@$(FRESH)/bin/python -m pip install --quiet --disable-pip-version-check \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) '$(TORCH)' '.[dev]'
	@{ grep -E '^$$|^#|;' constraints.txt; \
		$(FRESH)/bin/python -m pip freeze --all --exclude lecture-lib --exclude pip \
			| grep -v -i -E '^(cuda|nvidia|triton)' | sed 's/+cpu$$//'; } > $(FRESH)/constraints.txt
	@mv $(FRESH)/constraints.txt constraints.txt && rm -rf $(FRESH) build lecture_lib.egg-info

clean:  ## Удалить .venv и следы работы
	rm -rf $(VENV) lecture_lib.egg-info build .pytest_cache .ruff_cache
