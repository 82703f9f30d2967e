-- SPDX-License-Identifier: MIT
-- The tenants' table: 100 tenants of 1,000 rows, each row visible only to its own tenant. The role
-- that connects owns nothing and has no BYPASSRLS.
CREATE ROLE app LOGIN;
CREATE ROLE other LOGIN;
CREATE DATABASE bench;
CREATE DATABASE app;
\connect app
CREATE TABLE items (
    tenant_id text NOT NULL DEFAULT NULLIF(current_setting('app.tenant', true), ''),
    id int NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
INSERT INTO items SELECT 't' || t, i, md5(t || ' ' || i)
    FROM generate_series(0, 99) AS t, generate_series(1, 1000) AS i;
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
ALTER TABLE items FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON items
    USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''))
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON items TO app;
VACUUM ANALYZE items;
-- What COPY goes into, and nothing is kept of.
CREATE UNLOGGED TABLE sink (line text);
GRANT INSERT ON sink TO app;
\connect bench
-- The same, to be protected by a seal.
CREATE DATABASE sealed TEMPLATE app;
\connect sealed
DROP POLICY tenant ON items;
