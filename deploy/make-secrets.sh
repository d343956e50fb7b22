#!/bin/sh
# Makes the files under .secrets/ that docker-compose.yml hands to the containers; what is there is kept.
#   deploy/make-secrets.sh            then put Metronome's token into .secrets/metronome_bearer_token
set -eu
cd "$(dirname "$0")/.."
umask 077
mkdir -p .secrets
random() { head -c 48 /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_'; }
keep() { [ -s ".secrets/$1" ] || printf '%s\n' "$2" >".secrets/$1"; }
keep secret_key "$(random)"
keep database_superuser_password "$(random)"
keep database_owner_password "$(random)"
keep database_app_password "$(random)"
keep redis_password "$(random)"
keep database_owner_url "postgresql://countersign_owner:$(cat .secrets/database_owner_password)@postgres:5432/countersign"
keep database_url "postgresql://countersign_app:$(cat .secrets/database_app_password)@postgres:5432/countersign"
keep redis_url "redis://:$(cat .secrets/redis_password)@redis:6379/0"
[ -e .secrets/metronome_bearer_token ] || : >.secrets/metronome_bearer_token
keep smtp_url "smtp://user:password@mail.example.com:587" # read when MAIL_FROM is set in .env
# The containers' user reads these as a bind mount; the folder stays closed to everybody else.
chmod 644 .secrets/*
[ -s .secrets/metronome_bearer_token ] || echo "Now put Metronome's token into .secrets/metronome_bearer_token."
