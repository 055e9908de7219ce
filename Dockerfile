# Debian, because the sendmail command that is written for the sites of the host names the Python it
# runs with: /usr/bin/python3.11 is the same program in here and on a Debian 12 host.
FROM debian:12-slim

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        python3 python3-venv ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 990 --user-group --home-dir /var/lib/facteur facteur \
    && install -d -o facteur -g facteur -m 0711 /var/lib/facteur

WORKDIR /srv/facteur
COPY requirements.lock ./
RUN python3 -m venv .venv && .venv/bin/pip install --no-cache-dir -r requirements.lock
COPY manage.py ./
COPY mailqueue mailqueue
COPY panel panel
COPY relay relay
COPY static static
COPY templates templates

ENV PATH=/srv/facteur/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FACTEUR_DATA_DIR=/var/lib/facteur
USER facteur
