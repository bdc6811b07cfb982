// Serves the browser's page on this machine, and lets a browser run it.
// usage: node browse.mjs FILE.wasm [CHROMIUM]     with a browser: exit 1 unless the page finds the same bits
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LIMIT_SECONDS = 120;
const [wasm, browser] = process.argv.slice(2);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
// Everything that the page may ask for; nothing else is read.
const files = {
  '/': ['text/html', here('page/index.html')],
  '/page.mjs': ['text/javascript', here('page/page.mjs')],
  '/engine.mjs': ['text/javascript', here('engine.mjs')],
  '/witness.wasm': ['application/wasm', wasm],
  '/ops.json': ['application/json', here('../../specs/vectors/ops.json')],
};

const server = createServer(async (request, response) => {
  const found = files[request.url];
  if (!found) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': found[0] }).end(await readFile(found[1]));
});
server.listen(0, '127.0.0.1');
await new Promise((done) => server.once('listening', done));
const address = `http://127.0.0.1:${server.address().port}/`;

if (browser) {
  process.exitCode = await judge(await dump(browser, address));
  server.close();
  server.closeAllConnections();
} else {
  console.log(address);
}

/** The page's document once its work is done, as the browser prints it. */
async function dump(program, url) {
  const profile = await mkdtemp(join(tmpdir(), 'retrace-witness-'));
  const quiet = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions'];
  const args = [...quiet, `--user-data-dir=${profile}`, '--virtual-time-budget=600000', '--dump-dom', url];
  // A group of its own, so that the browser's helpers end with it.
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const stop = () => { try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it has ended */ } };
  const timer = setTimeout(stop, LIMIT_SECONDS * 1000);
  let page = '';
  child.stdout.on('data', (data) => { page += data; });
  await new Promise((done) => { child.once('close', done); child.once('error', done); });
  clearTimeout(timer);
  stop();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  return page;
}

/** Prints the page's lines; 0 if it says that all bits are the same. */
function judge(page) {
  const lines = [...page.matchAll(/<li[^>]*>([^<]*)<\/li>/g)].map((match) => match[1]);
  lines.forEach((line) => console.log(line));
  const verdict = page.match(/<output id="verdict" data-verdict="(\w+)"/)?.[1] ?? 'none';
  console.log(`verdict ${verdict}`);
  return verdict === 'same' && lines.length > 1 ? 0 : 1;
}
