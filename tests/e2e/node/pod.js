// SPDX-License-Identifier: MIT
//
// pod.js: validates Kubernetes objects of version v1, a JSON list on stdin, against the schemas of the
// package kubernetes-models; and that each key is one that the schemas know, which they leave open:
// what the validator never read is unknown. Prints a line for each fault; exit status 0 without any.
'use strict';

const { createRequire } = require('module');
const path = require('path');
const load = createRequire(path.join(__dirname, 'node_modules', 'x'));

// The value, in such a way that `read` hears which keys of which path were looked at.
function watched(value, at, read) {
  if (value === null || typeof value !== 'object') {
    return value;
  }
  return new Proxy(value, {
    get: (target, key) => {
      if (typeof key === 'string') {
        read.add(`${at}/${key}`);
      }
      return watched(target[key], `${at}/${String(key)}`, read);
    },
  });
}

function unread(value, at, read) {
  if (value === null || typeof value !== 'object') {
    return [];
  }
  return Object.keys(value).flatMap((key) => (read.has(`${at}/${key}`)
    ? unread(value[key], `${at}/${key}`, read) : [`${at}/${key} is not a key`]));
}

let text = '';
process.stdin.on('data', (part) => { text += part; });
process.stdin.on('end', () => {
  for (const object of JSON.parse(text)) {
    const file = path.join(path.dirname(load.resolve('kubernetes-models')), '_schemas',
      `IoK8sApiCoreV1${object.kind}.js`);
    const { validate } = load(file);
    const read = new Set();
    const good = validate(watched(object, object.kind, read));
    const faults = good ? unread(object, object.kind, read)
      : validate.errors.map((fault) => `${object.kind}${fault.instancePath} ${fault.keyword}`);
    faults.forEach((fault) => console.log(fault));
    process.exitCode = faults.length > 0 ? 1 : process.exitCode;
  }
});
