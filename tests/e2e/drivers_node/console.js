// SPDX-License-Identifier: MIT
//
// node-postgres at the console: console.js PORT runs a command by the simple protocol, and one as a
// named statement, which is the extended one, twice; prints "ok" and what was read.
'use strict';

const { Client } = require('../node/node_modules/pg');

async function main([port]) {
  const client = new Client({
    host: '127.0.0.1', port: Number(port), user: 'admin', password: 'admin-secret',
    database: 'fahrend',
  });
  await client.connect();
  const simple = await client.query('SHOW STATE');
  const lists = { name: 'lists', text: 'SHOW LISTS', values: [] };
  await client.query(lists);
  const { rows } = await client.query(lists);
  const tenants = rows.find((row) => row.list === 'tenants');
  await client.query({ name: 'unknown', text: 'SHOW NOTHING', values: [] }).then(
    () => { throw new Error('an unknown command was taken'); },
    (error) => { if (error.code !== '42601') throw error; },
  );
  console.log(`ok ${Object.values(simple.rows[0])[0]} ${tenants.items}`);
  await client.end();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
