// Starts the app: mounts it in the shell, hydrates it on a page that the server rendered.
import init, { hydrate, mount } from './cloudstead.js';

await init();
if (document.documentElement.dataset.entry === 'mount') {
  mount();
} else {
  hydrate();
}
