#!/bin/bash
# Runs once, in the postgres image, on an empty data folder: the two roles, and the database given to its owner.
set -euo pipefail
OWNER_PASSWORD=$(cat /run/secrets/database_owner_password)
APPLICATION_PASSWORD=$(cat /run/secrets/database_app_password)
export OWNER_PASSWORD APPLICATION_PASSWORD
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --no-psqlrc --quiet --file /etc/countersign/roles.sql
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --command 'ALTER DATABASE countersign OWNER TO countersign_owner'
