// Runs before anything is painted, so that a chosen theme does not flash.
(function () {
  try {
    const theme = localStorage.getItem('rum-trace.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // No storage: the system's theme.
  }
})();
