// Until the app's code is there: the theme that a person chose, and whatever they send waits for it.
try {
  const { theme } = JSON.parse(localStorage.getItem('cloudstead.preferences'));
  document.documentElement.dataset.theme = theme.toLowerCase();
} catch {
  // Nothing was chosen, or the browser does not tell.
}
addEventListener('submit', (event) => {
  const { dataset } = document.documentElement;
  if (dataset.waiting) {
    event.preventDefault();
    dataset.waiting = 'submit';
    event.submitter?.setAttribute('aria-disabled', 'true');
  }
});
