// Single keys on pages where requests are judged. What has aria-keyshortcuts is meant: a link opens, anything else
// takes the focus, so that no key ever decides. They rest while somebody types, and where a person switched them off.
"use strict";

const typesIn = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const meantBy = (key) =>
  [...document.querySelectorAll("[aria-keyshortcuts]")].find((each) => each.getAttribute("aria-keyshortcuts") === key && each.checkVisibility());

// In the docket j and k walk along the rows, and Enter opens the one that has the focus, as any link.
const rows = () => [...document.querySelectorAll("#queue > li")];
const walks = { j: 1, k: -1 };

function walk(step) {
  const all = rows();
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
  all[next].querySelector("h3 a").focus();
  all[next].scrollIntoView({ block: "nearest" });
}

// x ticks the row that has the focus, X all that may be decided together.
const boxes = () => [...document.querySelectorAll("#queue [name=decided]")];
const ticks = {
  x: () => rows().find((row) => row.contains(document.activeElement))?.querySelector("[name=decided]")?.click(),
  X: () => boxes().filter((box) => !box.checked).forEach((box) => box.click()),
};

function tell() {
  const words = document.getElementById("ticked-count");
  const number = boxes().filter((box) => box.checked).length;
  if (words) words.textContent = number ? `${number} ticked:` : "Decide what is ticked:";
}
document.addEventListener("change", (event) => event.target.matches("[name=decided]") && tell());
document.addEventListener("htmx:afterSettle", tell);
tell();

document.addEventListener("keydown", (event) => {
  if (document.body.dataset.keys === "off" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.(`${typesIn}, [popover]:popover-open`)) return;
  const step = rows().length && walks[event.key];
  const tick = boxes().length && ticks[event.key];
  const meant = meantBy(event.key);
  if (!step && !tick && !meant) return;
  event.preventDefault();
  if (step) walk(step);
  else if (tick) tick();
  else if (meant.matches("a, [popovertarget]")) meant.click();
  else meant.focus();
});

// The switch in the list of keys: what the server would do, without leaving the page and what is typed there.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-keys-form]");
  if (!form) return;
  event.preventDefault();
  const off = document.body.dataset.keys !== "off";
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `keys=off; path=/; max-age=${off ? 31536000 : 0}; samesite=lax${secure}`;
  if (off) document.body.dataset.keys = "off";
  else delete document.body.dataset.keys;
});
