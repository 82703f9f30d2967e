// SPDX-License-Identifier: MIT
//
// Runs statements with node-postgres: reads {login, statements: [[sql, values], …]} as JSON from
// stdin, prints {results: [rows, …]} or {error, code}.
'use strict';

const { Client } = require('pg');

// Values as the server sent them: the caller compares text.
const asText = { getTypeParser: () => (value) => value };

async function run({ login, statements }) {
  const client = new Client({ ...login, connectionTimeoutMillis: 20000, types: asText });
  client.on('error', () => {});
  try {
    await client.connect();
    const results = [];
    for (const [text, values] of statements) {
      const result = await client.query({ text, values, rowMode: 'array' });
      results.push(result.rows);
    }
    return { results };
  } catch (error) {
    return { error: error.message, code: error.code };
  } finally {
    await client.end().catch(() => {});
  }
}

async function main() {
  let task = '';
  for await (const chunk of process.stdin) {
    task += chunk;
  }
  process.stdout.write(JSON.stringify(await run(JSON.parse(task))));
}

main();
