// Goes through the server with the official SDK for Node. Called with the folder that npm installed
// into, the server's root, key and signing secret, and a folder that holds `in.png`. Prints what it
// saw as one JSON object; `through_python.py` does the same with the other SDK.
//
// The SDK has no setting for its base URL, so `callWithBase` is given another one: the blocking
// host's becomes ROOT/sync/v2/, every other ROOT/v2/.

import { once } from 'node:events';
import { createReadStream, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [npm, root, key, secret, folder] = process.argv.slice(2);
const CloudConvert = createRequire(join(npm, 'node_modules', 'any.js'))('cloudconvert');

class Local extends CloudConvert {
  callWithBase(base, ...call) {
    const prefix = new URL(base).host.startsWith('sync.') ? '/sync/v2/' : '/v2/';
    return super.callWithBase(root + prefix, ...call);
  }
}

const sdk = new Local(key);
const RAW = { operation: 'import/raw', file: 'hello', filename: 'a.txt' };
const LINKED = { tasks: { in: RAW, out: { operation: 'export/url', input: 'in' } } };
const CONVERTED = {
  in: { operation: 'import/upload' },
  jpg: { operation: 'convert', input: 'in', output_format: 'jpg', width: 20 },
  out: { operation: 'export/url', input: 'jpg' }
};

const fetched = async url => Buffer.from(await (await fetch(url)).arrayBuffer());

// The SDK throws an Error whose cause is the response.
const refusal = async promise => {
  try {
    await promise;
  } catch (error) {
    return [error.cause.status, (await error.cause.json()).code];
  }
};

async function conversion() {
  const job = await sdk.jobs.create({ tag: 'sdk', tasks: CONVERTED });
  await sdk.tasks.upload(job.tasks[0], createReadStream(join(folder, 'in.png')));
  const ended = await sdk.jobs.wait(job.id);
  const [file] = sdk.jobs.getExportUrls(ended);
  writeFileSync(join(folder, 'out.jpg'), await fetched(file.url));
  const listed = await sdk.jobs.all({ 'filter[tag]': 'sdk' });
  const query = { 'filter[job_id]': job.id, 'filter[operation]': 'convert' };
  const tasks = await sdk.tasks.all(query);
  const seen = {
    uploaded: (await sdk.tasks.get(job.tasks[0].id)).status === 'finished',
    status: ended.status,
    filename: file.filename,
    size: file.size,
    received: statSync(join(folder, 'out.jpg')).size,
    shown: (await sdk.jobs.get(job.id)).status,
    listed: listed.map(one => one.id === job.id),
    tasks: tasks.map(one => one.operation),
    deleted: (await sdk.jobs.delete(job.id)) === undefined
  };
  return { ...seen, afterwards: (await refusal(sdk.jobs.get(job.id)))[1] };
}

async function loneTasks() {
  const imported = await sdk.tasks.create('import/raw', RAW);
  const exported = await sdk.tasks.create('export/url', { input: imported.id });
  const [file] = (await sdk.tasks.wait(exported.id)).result.files;
  const upload = await sdk.tasks.create('import/upload', {});
  const cancelled = await sdk.tasks.cancel(upload.id);
  // The SDK has no method for this one.
  const retried = await sdk.call('POST', `tasks/${upload.id}/retry`);
  const content = readFileSync(join(folder, 'in.png'));
  await sdk.tasks.upload(retried, new Uint8Array(content), 'größe 1.png');
  const named = (await sdk.tasks.wait(retried.id)).result.files[0].filename;
  if (named !== 'größe 1.png') throw new Error(`the upload is named ${named}`);
  return {
    content: (await fetched(file.url)).toString(),
    cancelled: cancelled.status === 'error',
    code: (await sdk.tasks.get(upload.id)).code,
    retry: [retried.status, retried.retry_of_task_id === upload.id],
    fresh: Object.keys(retried.result.form.parameters).length > 0,
    deleted: (await sdk.tasks.delete(upload.id)) === undefined,
    afterwards: (await refusal(sdk.tasks.get(upload.id)))[1]
  };
}

async function webhooks() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}/hook`;
  const webhook = await sdk.call('POST', 'webhooks', { url, events: ['job.finished'] });
  const job = await sdk.jobs.create(LINKED);
  const [request, response] = await once(server, 'request');
  let body = '';
  for await (const chunk of request.setEncoding('utf-8')) body += chunk;
  response.writeHead(204).end();
  const signature = request.headers['cloudconvert-signature'];
  const seen = {
    event: JSON.parse(body).event,
    job: JSON.parse(body).job.id === job.id,
    genuine: sdk.webhooks.verify(body, signature, webhook.signing_secret),
    forged: sdk.webhooks.verify(body + ' ', signature, webhook.signing_secret),
    deleted: (await sdk.call('DELETE', `webhooks/${webhook.id}`)) === undefined
  };
  server.close();
  return seen;
}

async function refusals() {
  return {
    invalid: (await refusal(sdk.jobs.create({})))[0],
    unauthenticated: (await refusal(new Local('wrong').users.me()))[1],
    me: (await sdk.users.me()).username
  };
}

async function signedUrl() {
  const link = sdk.signedUrls.sign(`${root}/s/local`, secret, LINKED, 'key');
  return { content: [(await fetched(link)).toString(), (await fetched(link)).toString()] };
}

const seen = {
  conversion: await conversion(),
  lone_tasks: await loneTasks(),
  webhooks: await webhooks(),
  refusals: await refusals(),
  signed_url: await signedUrl()
};
console.log(JSON.stringify(seen));
