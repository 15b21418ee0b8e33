# Costmill as a container: docs/operations.md, "Container". CI runs its steps as far as they go without an engine.

FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN python -m venv /opt/costmill
RUN /opt/costmill/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
RUN python -m pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY pipeline pipeline
COPY sql sql
COPY reports reports
RUN python -m pip wheel --no-build-isolation --no-deps --wheel-dir dist .
RUN /opt/costmill/bin/python -m pip install --no-cache-dir --no-index --no-deps dist/*.whl

FROM python:3.13-slim
ENV TZ=UTC \
    PATH=/opt/costmill/bin:$PATH \
    COSTMILL_CONFIG=/srv/costmill/costmill.yaml
RUN useradd --uid 10001 --home-dir /srv/costmill --create-home --shell /usr/sbin/nologin costmill
COPY --from=build /opt/costmill /opt/costmill
USER costmill
WORKDIR /srv/costmill
VOLUME /srv/costmill
ENTRYPOINT ["costmill"]
CMD ["run"]
