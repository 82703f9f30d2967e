-- SPDX-License-Identifier: MIT
-- One table for all tenants. The role of the application neither owns it nor bypasses policies.
CREATE ROLE app LOGIN PASSWORD 'app-secret';
CREATE DATABASE app;
REVOKE CONNECT, TEMPORARY ON DATABASE app FROM PUBLIC;
GRANT CONNECT ON DATABASE app TO app;
\connect app
CREATE TABLE notes (
    tenant_id text NOT NULL DEFAULT NULLIF(current_setting('app.tenant', true), ''),
    id bigint GENERATED ALWAYS AS IDENTITY,
    body text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON notes
    USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''))
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO app;
