# The explorer as a container: locked requirements, no root, no secrets inside.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    NUMBA_CACHE_DIR=/tmp/numba

RUN useradd --create-home --uid 10001 skillgraph
WORKDIR /app

# dash-cytoscape comes as source and is built with the locked build requirements
COPY requirements/runtime.lock requirements/build.lock requirements/
RUN pip install --require-hashes -r requirements/build.lock \
    && pip install --require-hashes --no-build-isolation -r requirements/runtime.lock

COPY pyproject.toml README.md LICENSE ./
COPY analysis analysis
COPY explorer explorer
COPY loaders loaders
COPY ui ui
RUN pip install --no-deps --no-build-isolation .

USER 10001
WORKDIR /home/skillgraph
EXPOSE 8050
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=6 \
    CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 8050), 3).close()"]
ENTRYPOINT ["skillgraph"]
CMD ["ui", "--host", "0.0.0.0", "--port", "8050", "--no-browser"]
