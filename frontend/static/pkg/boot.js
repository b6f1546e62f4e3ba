// Starts the app: mounts it in the shell, hydrates it on a page that the server rendered.
import init, * as app from './cloudstead.js';

await init();
if (document.documentElement.dataset.entry === 'mount') {
  app.mount();
} else {
  app.hydrate();
}
