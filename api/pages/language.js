// Gives the page the reader's language: the first of the browser's that the page has texts in. It runs
// before the page is drawn.

const PAGE_LANGUAGES = ["en", "de", "fr", "es", "zh"];

document.documentElement.lang =
  navigator.languages.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => PAGE_LANGUAGES.includes(tag)) ?? "en";
