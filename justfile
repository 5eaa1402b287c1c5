# What a contributor does; `just` alone lists it. Run it in the environment that `python3 bootstrap.py just` makes.

compile := "uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11"
export PATH := justfile_directory() / ".venv/bin:" + env("PATH", "")

default:
    @just --list

# Read the standard library, learn it, compare with theory, open the explorer
demo *arguments:
    skillgraph demo {{arguments}}

# All tests, or those that the arguments name
test *arguments:
    python -m pytest {{arguments}}

# Random queries on the embedded store against a real Neo4j: how many, and from which seed
oracle queries="20000" seed="1":
    SKILLGRAPH_ORACLE_QUERIES={{queries}} SKILLGRAPH_ORACLE_SEED={{seed}} python -m pytest -q tests/oracle

# All checks there are, for a release: those of every change, everything marked `long`, all of Spark
all-tests:
    .ci/run --all

# What one run of the tests does a few times, many times: writers stopped at any moment
soak *arguments:
    python -m pytest -m soak {{arguments}}

# Clients without a pause on the pages of one server, for so many minutes: no error, nothing left, no growth
crowd minutes="30" clients="20" *arguments:
    python -m tests.hardening.crowd --minutes {{minutes}} --clients {{clients}} {{arguments}}

# A random walk over all controls of all pages in Chromium, for so many minutes: each fault comes with its steps
walk minutes="60" *arguments:
    python -m tests.ui.walk --minutes {{minutes}} {{arguments}}

# Damage the input of every reader, for a minute or as the arguments say: each ends in a result or a sentence
fuzz *arguments:
    python -m tests.hardening.fuzz {{arguments}}

# Are the locks young, and has no locked release been withdrawn from the index?
locks:
    python -m tests.hardening.lock_check

# Change the program in small ways, one at a time, and see that a test fails for each
mutants *arguments:
    python -m tests.mutants {{arguments}}

# Everything that is checked without running: lint, format, types, import contracts, wheel, the site and its links
check: lint types contracts wheel docs

lint:
    ruff check .
    ruff format --check .

# Mend what can be mended by itself
fix:
    ruff check --fix .
    ruff format .

types:
    mypy

contracts:
    lint-imports

# Build the wheel and check what is in it
wheel:
    python -m pytest -q tests/test_wheel.py

# The documentation as a site, in build/site; a broken link or reference ends it
docs *arguments:
    python bootstrap.py docs {{arguments}}

# Run the notebooks and keep what comes out; needs what `just docs` has set up
notebooks:
    .venv-docs/bin/python docs/notebooks/execute.py

# Speed beside peers, in one run; writes docs/benchmarks.md
benchmark *arguments:
    python -m benchmarks.run_all --output docs/benchmarks.md {{arguments}}

# Resolve dependencies anew and write the locks with hashes, without addresses
lock:
    {{compile}} --upgrade --group dev --group bench --extra server --extra fast --extra mcp pyproject.toml -o requirements/dev.lock
    {{compile}} --upgrade -c requirements/dev.lock --group spark-tests --extra server --extra spark pyproject.toml -o requirements/spark-tests.lock
    {{compile}} --upgrade -c requirements/dev.lock -c requirements/spark-tests.lock pyproject.toml -o requirements/runtime.lock
    {{compile}} --upgrade -c requirements/dev.lock -c requirements/spark-tests.lock --group docs pyproject.toml -o requirements/docs.lock
    for extra in server fast spark mcp; do just _lock-extra $extra; done
    echo "uv" | {{compile}} --upgrade - -o requirements/uv.lock
    printf 'hatchling\nsetuptools\n' | {{compile}} --upgrade -c requirements/dev.lock - -o requirements/build.lock

# What an extra adds to the runtime, for `python3 bootstrap.py add`
_lock-extra name:
    python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['{{name}}'], sep='\n')" | {{compile}} -c requirements/dev.lock -c requirements/spark-tests.lock -c requirements/runtime.lock - -o requirements/extra-{{name}}.lock
