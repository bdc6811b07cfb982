// Runs the WebAssembly build in node, without any package.
// usage: node run.mjs FILE.wasm [ops.json]     prints what the aarch64 program prints; exit 1 on a difference
import { readFile } from 'node:fs/promises';
import { load } from './engine.mjs';

const [wasm, vectors] = process.argv.slice(2);
const engine = await load(await readFile(wasm));
let differences = 0;

console.log(`backends ${engine.backends().join(' ')}`);
if (vectors) {
  const list = JSON.parse(await readFile(vectors, 'utf8'));
  const different = list.map((vector, at) => [at, engine.check(vector)]).filter(([, why]) => why !== undefined);
  different.forEach(([at, why]) => console.log(`different ${at}: ${why}`));
  console.log(`vectors ${list.length - different.length} of ${list.length}`);
  differences += different.length;
}
for (const step of engine.steps()) {
  const hash = step.run();
  console.log(`${step.name} ${hash}`);
  differences += hash === step.expected ? 0 : 1;
}
process.exitCode = differences === 0 ? 0 : 1;
