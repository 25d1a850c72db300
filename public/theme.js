// Runs before the first paint, from its own file because the page's policy allows no inline script:
// without it a dark-theme user would see a white flash. Keys are those of src/components/theme.ts.
(function () {
  var theme = null;
  var language = null;
  try {
    theme = localStorage.getItem('epilot.theme');
    language = localStorage.getItem('epilot.locale');
  } catch {
    // Storage may be forbidden; the system's theme and French are the defaults.
  }
  var dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.classList.toggle('dark', dark);
  if (language === 'en') document.documentElement.lang = 'en';
})();
