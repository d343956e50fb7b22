-- The two roles of the database: the owner, who migrates, and the application, which owns nothing and can't TRUNCATE.
-- For psql, as superuser, in every database that the owner's tables will stand in (the embedded server runs it in
-- template1). Reads OWNER_PASSWORD and APPLICATION_PASSWORD from the environment. May be run again.
\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv application_password APPLICATION_PASSWORD

SELECT 'CREATE ROLE countersign_owner LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'countersign_owner') \gexec
SELECT 'CREATE ROLE countersign_app LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'countersign_app') \gexec

SET password_encryption = 'scram-sha-256';
ALTER ROLE countersign_owner NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE countersign_app NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'application_password';

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO countersign_app;
ALTER DEFAULT PRIVILEGES FOR ROLE countersign_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO countersign_app;
ALTER DEFAULT PRIVILEGES FOR ROLE countersign_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO countersign_app;
