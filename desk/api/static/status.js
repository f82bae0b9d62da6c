// Shows the page anew when something has changed, at most once a second.
"use strict";
let waiting = null;

async function refresh() {
  waiting = null;
  const response = await fetch("/", { cache: "no-store" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  document.getElementById("status").replaceWith(page.getElementById("status"));
}

function soon(milliseconds) {
  if (waiting === null) waiting = setTimeout(() => refresh().catch(() => {}), milliseconds);
}

const changes = new EventSource("/changes");
changes.onmessage = () => soon(300);
changes.onopen = () => soon(0);
setInterval(() => soon(0), 10000); // the line's own state changes without an entry
