# Everything is installed into .venv; `make` alone lists the targets.
PYTHON ?= python3
SLIPWAY := .venv/bin/slipway
READY := $(PYTHON) -m infra.setup.install ready
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help up down status logs test test-engine test-kills test-long test-torch test-tables lint observability bench image bench-image bench-preview prices model train-env reference setup-cloud setup-policy snapshots release dist audit docs axe pictures lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

up: ## install the local set, start the service, print its URL and key
	@command -v $(PYTHON) > /dev/null || { echo "There is no $(PYTHON) on the PATH; name another: \`make PYTHON=python3.12 up\`." >&2; exit 2; }
	@$(PYTHON) -m infra.setup.install local
	@$(SLIPWAY) up

down: ## stop the service
	@if [ ! -e .slipway ] && [ ! -e .venv ]; then echo "Nothing was started in this checkout; \`make up\` does."; else $(READY) && $(SLIPWAY) down; fi

status: ## show the state of the service
	@$(READY) && $(SLIPWAY) status

logs: ## print the service's log
	@$(READY) && $(SLIPWAY) logs

test: ## every test that needs no cloud, Docker, GPU or Pulumi CLI
	@$(PYTHON) -m infra.setup.install dev
	@.venv/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile

test-long: ## the tests that take minutes, and those for a Pulumi CLI where there is one
	@$(PYTHON) -m infra.setup.install dev
	@.venv/bin/python -m pytest -m "long or pulumi_engine"

test-engine: ## the tests on Pulumi's engine, which Go builds once for each user (4 minutes); FULL=1 fails each call of each change once
	@$(PYTHON) -m infra.setup.install dev
	@$(MAKE) -s setup-policy
	@FULL=$(FULL) .ci/test-engine

test-kills: ## kill workers, servers and databases of jobs all the time (5 minutes; needs Debian's PostgreSQL); FULL=1: 200 kills on each database
	@$(PYTHON) -m infra.setup.install dev
	@FULL=$(FULL) .ci/test-kills

test-torch: ## the tests of the torch engine and of `slipway model add` with torch (downloads 2.9 GB once, into .venv-train)
	@$(PYTHON) -m infra.setup.install dev
	@$(MAKE) -s train-env
	@PYTHONPATH=$$(.venv-train/bin/python -c 'import site; print(site.getsitepackages()[0])') \
	  .venv/bin/python -m pytest tests/service/backends tests/modeltools tests/test_add_a_task.py \
	  tests/service/tasks/test_table_columns.py

test-tables: ## the tests of `slipway model add` with scikit-learn, XGBoost and LightGBM (downloads 120 MB once, into .venv-convert)
	@$(PYTHON) -m infra.setup.install dev
	@.venv/bin/python -c "from slipway.infra.model.conversion_env import TABLES; TABLES.require(print)"
	@for version in 1.5.2 1.7.2; do test -d .venv-convert/others/$$version || .venv-convert/bin/pip install -q \
	  --disable-pip-version-check --no-deps --target .venv-convert/others/$$version scikit-learn==$$version || \
	  echo "scikit-learn $$version could not be fetched: its test is skipped" >&2; done
	@.venv/bin/python -m pytest -m long tests/modeltools/test_adding_tables.py

lint: ## style and types
	@$(PYTHON) -m infra.setup.install dev
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .
	@.venv/bin/pyright

observability: ## watch the local service with Debian's Prometheus: http://127.0.0.1:9090
	@command -v prometheus >/dev/null || { echo "make observability needs Prometheus: apt-get install prometheus (only its program is used), or Docker: docker compose --profile observability up" >&2; exit 2; }
	@mkdir -p .slipway/prometheus
	@prometheus --config.file=observability/prometheus-local.yml --storage.tsdb.path=.slipway/prometheus --web.listen-address=127.0.0.1:$(or $(PROMETHEUS_PORT),9090)

bench: ## the server compared with its peers, under overload, over time, and a batch: half an hour; QUICK=1: two minutes, and no peer; PIECES=mosec,overload: only those; MODEL=folder
	@$(PYTHON) -m infra.setup.install dev
	@$(if $(QUICK),.venv/bin/python -m bench.engine $(MODEL),.venv/bin/python -m bench $(MODEL) \
	  $(if $(PIECES),--pieces $(PIECES)) $(if $(RESULTS),--results $(RESULTS)))
	@$(if $(PIECES),,.venv/bin/python -m bench.batch $(MODEL))

model: ## train the bundled model again: make model DATA=path/to/sms_spam.tsv
	@test -n "$(DATA)" || { echo "make model needs DATA=path/to/sms_spam.tsv (label<TAB>text)" >&2; exit 2; }
	@$(MAKE) -s train-env
	@.venv-train/bin/python -m slipway.modeltools.training --data "$(DATA)"
	@$(PYTHON) -m infra.setup.install local
	@$(SLIPWAY) fit bundled:sms-spam --write

train-env: ## make .venv-train, which has torch, for `slipway model add` and `check` (downloads 2.9 GB once)
	@test -d .venv-train || $(PYTHON) -m venv .venv-train
	@.venv-train/bin/pip install -q --require-hashes --no-deps -r modeltools/requirements-train.txt

BUNDLED = $(or $(patsubst bundled:%,%,$(filter bundled:%,$(MODEL))),sms-spam)
BUNDLED_VERSION = $$($(PYTHON) -c 'import json; m = json.load(open("service/models/$(BUNDLED)/manifest.json")); print(m["name"] + "-" + m["version"])')

image: ## build the server's image, `slipway` (needs Docker); MODEL=hf:… or bundled:… puts that model in it, CTRANSLATE2=1 adds the engine that writes text on a CPU, VARIANT=torch-cpu or cuda adds torch, PYTHON_IMAGE=… takes another base
	@test -z "$(MODEL)" -o -n "$(filter hf:% bundled:%,$(MODEL))" || { echo "MODEL is '$(MODEL)'; allowed: hf:<owner>/<name>@<commit>, bundled:<name>, or nothing for bundled:sms-spam" >&2; exit 2; }
	@test -n "$(filter hf:%,$(MODEL))" -o -f service/models/$(BUNDLED)/manifest.json || { echo "MODEL is '$(MODEL)', but service/models/$(BUNDLED)/manifest.json is not there" >&2; exit 2; }
	@DOCKER_BUILDKIT=1 docker build -f service/Dockerfile -t slipway \
	  $(if $(PYTHON_IMAGE),--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE)) \
	  $(if $(VARIANT),--build-arg VARIANT=$(VARIANT)) $${PIP_CERT:+--secret "id=ca,src=$$PIP_CERT"} \
	  $(if $(filter hf:%,$(MODEL)),--build-arg "MODEL=$(MODEL)",--build-arg "BUNDLED=$(BUNDLED)") $(if $(PRECISION),--build-arg "PRECISION=$(PRECISION)") \
	  $(if $(CTRANSLATE2),--build-arg "CTRANSLATE2=$(CTRANSLATE2)") \
	  $(if $(TASK),--build-arg "TASK=$(TASK)") $(if $(MAX_TOKENS),--build-arg "MAX_TOKENS=$(MAX_TOKENS)") \
	  $${HF_ENDPOINT:+--build-arg "HF_ENDPOINT=$$HF_ENDPOINT"} $${HF_TOKEN:+--secret id=hf_token,env=HF_TOKEN} \
	  --build-arg REVISION=$$(git describe --always --dirty --abbrev=40 --match '') \
	  --build-arg "MODEL_VERSION=$(or $(filter hf:%,$(MODEL)),$(BUNDLED_VERSION))" .

bench-image: ## compare the images with a naive torch one (needs Docker, 25 GB; downloads 2.9 GB once)
	@$(PYTHON) -m infra.setup.install dev
	@.venv/bin/python -m bench.image

bench-preview: ## measure `slipway preview`, and how it grows with the number of services
	@$(PYTHON) -m infra.setup.install dev
	@.venv/bin/python -m bench.preview

prices: ## compare the committed prices with the clouds' own price lists
	@$(PYTHON) -m infra.setup.install local
	@.venv/bin/python -m slipway.infra.cost.refresh

setup-cloud: ## install every SDK, and offer the Pulumi CLI
	@$(PYTHON) -m infra.setup.install cloud
	@.venv/bin/python -m slipway.infra.setup.pulumi_cli

setup-policy: ## install the policy pack's own environment, for `pulumi preview --policy-pack policy`
	@test -d policy/.venv || $(PYTHON) -m venv policy/.venv
	@policy/.venv/bin/pip install -q --require-hashes --no-deps -r policy/requirements.txt

reference: ## write the reference of settings, command line and components, and Pulumi.yaml
	@.venv/bin/python -m slipway.infra.reference

snapshots: ## write what users rely on as it is now: plans, commands, options, settings, arguments, routes, metrics
	@.venv/bin/python -m tests.releases snapshots

release: ## cut a release, or cut one again that is not tagged yet: make release VERSION=0.3.0
	@.venv/bin/python -m tests.releases cut "$(VERSION)"

VERSION_HERE = $$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

.venv-release/.installed: requirements-release.txt
	@$(PYTHON) -m venv .venv-release
	@.venv-release/bin/pip install -q --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

dist: .venv-release/.installed ## build what a release has, dist/: wheel, source, lists of components (CycloneDX), checksums
	@rm -rf dist && mkdir dist
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) .venv-release/bin/python -m build --no-isolation -o dist . > build.log 2>&1 || { cat build.log >&2; exit 1; }
	@rm -rf build.log slipway.egg-info
	@for part in ":requirements.txt" "-server:service/requirements.txt"; do \
	  .venv-release/bin/python -W ignore -m cyclonedx_py requirements "$${part#*:}" --pyproject pyproject.toml --mc-type library \
	    --output-reproducible --of JSON -o "dist/slipway-$(VERSION_HERE)$${part%%:*}.cdx.json" || exit 1; done
	@cd dist && sha256sum slipway-* > SHA256SUMS && cat SHA256SUMS

audit: .venv-release/.installed ## look up the locked packages in a database of known vulnerabilities
	@.venv-release/bin/python .ci/audit

docs: ## build the documentation as a site, build/site; a broken link fails
	@test -d .venv-docs || $(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/pip install -q --require-hashes --no-deps -r docs/requirements.txt
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --strict
	@echo "The site is in build/site. To read it: $(PYTHON) -m http.server --directory build/site 8001"

axe: docs ## install axe, which looks for what keeps people out of the site and the server's page (needs Chromium)
	@.venv-docs/bin/pip install -q --require-hashes --no-deps -r docs/requirements-axe.txt
	@.venv/bin/python -m pytest -m long tests/docs/test_accessibility.py

pictures: ## draw docs/make-up.svg from a run of the local stack
	@.venv/bin/python -m slipway.infra.reference.pictures

lock: ## pin the requirements again after a change of a .in file (needs uv)
	@for list in requirements-local requirements-dev requirements-release requirements policy/requirements docs/requirements docs/requirements-axe service/requirements-buckets modeltools/requirements-train modeltools/requirements-tables \
	  $(basename $(wildcard bench/peers/*/requirements.in)); do \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	    $$list.in -o $$list.txt || exit 1; done
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  -c requirements-local.txt --override service/requirements.in service/requirements.in -o service/requirements.txt
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  -c requirements-local.txt service/requirements-otlp.in -o service/requirements-otlp.txt
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  -c requirements-local.txt service/requirements-payload.in -o service/requirements-payload.txt
	@for list in service/requirements-jobs service/requirements-ctranslate2 service/requirements-parquet; do \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	    -c requirements-local.txt $$list.in -o $$list.txt || exit 1; done
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  -c requirements-local.txt -c service/requirements-otlp.txt service/requirements-otlp-google.in -o service/requirements-otlp-google.txt
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --override service/requirements-torch.in service/requirements-torch.in -o service/requirements-torch.txt

clean: ## stop the service and delete what was installed and written
	@if [ -x $(SLIPWAY) ]; then $(READY) && $(SLIPWAY) down; fi
	@rm -rf .venv .venv-docs .venv-train .venv-convert .venv-bench-* .slipway build *.egg-info .pytest_cache .ruff_cache .hypothesis
