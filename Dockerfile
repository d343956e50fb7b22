# Countersign for production: only the locked runtime, an ordinary user, no secret inside.
FROM python:3.13-slim-bookworm AS packages
COPY requirements/runtime.txt /requirements.txt
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r /requirements.txt

# The simulator alone: docker build --target simulator -t metronome-simulator .
FROM python:3.13-slim-bookworm AS simulator
COPY requirements/simulator.txt /requirements.txt
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r /requirements.txt \
    && useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin simulator
WORKDIR /app
COPY simulator/ simulator/
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER simulator
EXPOSE 8790
HEALTHCHECK CMD ["python", "-c", "import httpx; httpx.get('http://127.0.0.1:8790/_sim/health').raise_for_status()"]
ENTRYPOINT ["python", "-m", "simulator", "--host", "0.0.0.0"]

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin countersign \
    && install -d -o countersign -g countersign /run/countersign /var/lib/countersign
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py ./
COPY adminsite/ adminsite/
COPY billing/ billing/
COPY templates/ templates/
COPY static/ static/
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=adminsite.settings STATIC_ROOT=/app/var/static \
    HEARTBEAT_FILE=/run/countersign/heartbeat
RUN COUNTERSIGN_PROCESS=build python manage.py collectstatic --no-input
USER countersign
EXPOSE 8000
CMD ["granian", "--interface", "asginl", "--http", "1", "--http1-header-read-timeout", "10000", "--no-ws", \
     "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--workers-kill-timeout", "8", "--respawn-failed-workers", \
     "adminsite.asgi:application"]
