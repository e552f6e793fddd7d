-- Five databases, an owner and an app role each, nothing for PUBLIC. For psql, as a superuser; safe to repeat.
--
-- The passwords are read from files named like their role (intake_owner, intake_app, …) in the folder that the
-- environment variable TRUTH_POSTGRES_PASSWORDS names, so that none stands on a command line or in this text.
-- <service>_owner migrates and owns the schema `truth`; <service>_app serves, with what the migrations grant it.
\set ON_ERROR_STOP on
\set QUIET on

\connect template1
REVOKE ALL ON SCHEMA public FROM PUBLIC;
\connect postgres
\set passwords `cd "$TRUTH_POSTGRES_PASSWORDS" && grep -H . *_owner *_app`

CREATE TEMPORARY TABLE wanted AS
SELECT name, kind, name || '_' || kind AS role, connections, split_part(line, ':', 2) AS password
FROM unnest(ARRAY['intake', 'governance', 'execution', 'records', 'signals']) AS name
CROSS JOIN (VALUES ('owner', 5), ('app', 60)) AS kinds (kind, connections)
LEFT JOIN string_to_table(:'passwords', E'\n') AS line ON split_part(line, ':', 1) = name || '_' || kind;

DO $$
DECLARE
    missing text := (SELECT string_agg(role, ', ') FROM wanted WHERE coalesce(password, '') = '');
BEGIN
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'no password file for %', missing;
    END IF;
END
$$;

SELECT format('CREATE ROLE %I', role) FROM wanted WHERE to_regrole(quote_ident(role)) IS NULL
\gexec
SELECT format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT CONNECTION LIMIT %s PASSWORD %L',
              role, connections, password)
FROM wanted
\gexec
SELECT format('CREATE DATABASE %I OWNER %I', name, role)
FROM wanted
WHERE kind = 'owner' AND NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name) FROM wanted WHERE kind = 'owner'
\gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', name, role) FROM wanted WHERE kind = 'app'
\gexec
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
