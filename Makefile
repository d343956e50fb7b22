# Countersign. A bare `make` says what there is. Everything runs in .venv, which is made from the lock on first use.

# The first Python on this machine that can run Countersign; name another with make PYTHON=...
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && echo $$p && exit; \
	done; echo python3)
UV ?= uv
ARGS ?=
SETUP :=
BIN := .venv/bin
# Commands that read models but never a server: no address here answers.
NO_SERVERS := METRONOME_ENVIRONMENT=simulator DATABASE_URL=postgresql://nobody@127.0.0.1:1/none \
	REDIS_URL=redis://127.0.0.1:1/0

.DEFAULT_GOAL := help
.PHONY: help demo manage test test-simulator faults lint bench lock setup format migrations clean

help: ## what there is
	@echo "Countersign: the dashboard a finance team puts in front of Metronome"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | \
		while IFS='|' read -r target words; do printf '%-20s %s\n' "$$target" "$$words"; done
	@echo
	@echo "  PORT=8000         where make demo answers         DEMO_DIR=.demo    where it keeps its data"
	@echo "  SIZE=20000        customers that make bench grows, instead of 1,000,000"
	@echo "  ARGS='-k alias'   further words for make test, make faults, make bench, make manage and make demo"

demo: SETUP = --demo
demo: setup ## the whole of it on this machine, until Ctrl-C; prints its address and who can sign in
	@exec $(BIN)/python -m local.demo $(ARGS)

manage: SETUP = --demo
manage: setup ## one of manage.py's commands on the demo that is up: make manage ARGS='refresh_mirror'
	@exec $(BIN)/python -m local.manage $(ARGS)

test: setup ## every test, on a PostgreSQL and a Redis of their own
	@exec $(BIN)/pytest -n auto --maxprocesses=8 $(ARGS)

test-simulator: setup ## the simulator's own tests, which need no server; make test runs them too
	@exec $(BIN)/pytest -n auto --maxprocesses=8 $(ARGS) simulator/tests

faults: setup ## kill workers at each step, lose and spoil answers, and take every documented maximum through its life at the shipped pace
	@exec $(BIN)/pytest tests/faults -m "" -n auto --maxprocesses=8 $(ARGS)

lint: setup ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: setup ## measure what must stay quick, against a limit measured in the same run
	@exec $(BIN)/python -m bench $(ARGS)

format: setup ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrations: setup ## write the migrations that the models ask for: make migrations ARGS='-n audit_seals'
	@$(NO_SERVERS) $(BIN)/python manage.py makemigrations billing $(ARGS)

lock: ## lock requirements/*.in again, with hashes, for Python 3.11 to 3.14 (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv on PATH, or make lock UV=/path/to/uv." >&2; exit 1; }
	@for name in runtime demo dev simulator; do \
		$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-annotate --no-header -o requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

clean: SETUP = --demo
clean: setup ## end the demo and forget its data
	@$(BIN)/python -m local.demo --remove

setup: ## make .venv from its lock, or find it current (the others do this first)
	@command -v $(firstword $(PYTHON)) >/dev/null || { echo "There is no $(PYTHON) here; install Python 3.11 to 3.14." >&2; exit 1; }
	@$(PYTHON) local/bootstrap.py $(SETUP) $(if $(filter file,$(origin PYTHON)),,--this-python)
