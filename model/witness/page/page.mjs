// Checks every vector and runs the golden steps in this page; says what came of it.
import { load } from './engine.mjs';

const WORDS = {
  same: 'The same bits: this browser computes what every other machine computes.',
  different: 'Other bits: this browser must not be trusted to verify.',
  failed: 'The engine did not run.',
};

function say(line) {
  const item = document.createElement('li');
  item.textContent = line;
  document.getElementById('lines').append(item);
  // A turn for the browser to paint.
  return new Promise((done) => setTimeout(done));
}

function end(verdict, why) {
  const output = document.getElementById('verdict');
  output.dataset.verdict = verdict;
  output.textContent = why ? `${WORDS[verdict]} ${why}` : WORDS[verdict];
}

async function witness() {
  const [wasm, vectors] = await Promise.all(['witness.wasm', 'ops.json'].map((name) => fetch(name)));
  const engine = await load(await wasm.arrayBuffer());
  const list = await vectors.json();
  const right = list.filter((vector) => engine.check(vector) === undefined).length;
  let isSame = right === list.length;
  await say(`vectors ${right} of ${list.length}`);
  for (const step of engine.steps()) {
    const start = performance.now();
    const hash = step.run();
    isSame &&= hash === step.expected;
    await say(`${step.name} ${hash} ${hash === step.expected ? 'same' : `not ${step.expected}`}`);
    console.log(`${step.name}: ${Math.round(performance.now() - start)} ms`);
  }
  end(isSame ? 'same' : 'different');
}

witness().catch((error) => end('failed', String(error)));
