// Loads the app's WASM in a worker that cuts and hashes files.

// Files may be sent before the WASM listens: they are kept, and told again.
const early = [];
const keep = (event) => early.push(event.data);
addEventListener('message', keep);

const { default: init, worker } = await import('./cloudstead.js');
await init();
removeEventListener('message', keep);
worker();
for (const data of early) {
  dispatchEvent(new MessageEvent('message', { data }));
}
