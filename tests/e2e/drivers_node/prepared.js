// SPDX-License-Identifier: MIT
//
// node-postgres with named statements: prepared.js PORT ROUNDS TENANT... runs three named
// statements on a connection of each tenant in turn, and prints "ok" and the number of right answers.
'use strict';

const { Client } = require('../node/node_modules/pg');

const TEXTS = [
  "SELECT $1::text AS value, current_setting('app.tenant') AS tenant",
  "SELECT upper($1::text) AS value, current_setting('app.tenant') AS tenant",
  "SELECT $1::text || '!' AS value, current_setting('app.tenant') AS tenant",
];
const VALUES = [(v) => v, (v) => v.toUpperCase(), (v) => `${v}!`];

async function connect(port, tenant) {
  const options = `-c app.tenant=${tenant}`;
  const client = new Client({ host: '127.0.0.1', port, user: 'app', database: 'app', options });
  await client.connect();
  return client;
}

async function check(client, tenant, index, round) {
  const value = `${tenant}-${round}`;
  const query = { name: `named-${index}`, text: TEXTS[index], values: [value] };
  const { rows: [row] } = await client.query(query);
  if (row.value !== VALUES[index](value) || row.tenant !== tenant) {
    throw new Error(`statement ${index} of ${tenant}: ${JSON.stringify(row)}`);
  }
}

async function main([port, rounds, ...tenants]) {
  const clients = await Promise.all(tenants.map((tenant) => connect(Number(port), tenant)));
  let right = 0;
  for (let round = 0; round < Number(rounds); round += 1) {
    for (let i = 0; i < tenants.length; i += 1) {
      for (let index = 0; index < TEXTS.length; index += 1) {
        await check(clients[i], tenants[i], index, round);
        right += 1;
      }
    }
  }
  await Promise.all(clients.map((client) => client.end()));
  console.log(`ok ${right}`);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
