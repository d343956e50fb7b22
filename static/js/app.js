// Delegated behaviours, found by data- attributes. Every page reads and works without this file.
"use strict";

const toasts = () => document.getElementById("toasts");
const palette = () => document.getElementById("palette");
let signedOut = false;

function toast(words, tone, mark) {
  const sprite = document.querySelector("use")?.getAttribute("href").split("#")[0];
  const box = document.createElement("div");
  box.className = "toast";
  box.dataset.tone = tone;
  box.innerHTML = `<svg class="icon" aria-hidden="true"><use href="${sprite}#${mark}"/></svg><p></p>`;
  box.querySelector("p").textContent = words;
  toasts().append(box);
  setTimeout(() => box.remove(), 6000);
}

async function copy(button) {
  const shown = button.parentElement.querySelector(".key, .digest, textarea");
  const text = button.dataset.copy || shown?.value || shown?.textContent || "";
  try {
    await navigator.clipboard.writeText(button.closest(".digest, [data-digest]") ? text.replace(/\s/g, "") : text);
    toast("Copied.", "good", "mark-applied");
  } catch {
    toast("The browser did not allow copying. Select the text and copy it by hand.", "warn", "mark-stale");
  }
}

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${theme === "auto" ? 0 : 31536000}; samesite=lax${secure}`;
  document.querySelectorAll("[data-set-theme]").forEach((button) => {
    if (button.dataset.setTheme === theme) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  });
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-copy], [data-print], [data-set-theme], [data-dismiss]");
  if (target?.hasAttribute("data-copy")) copy(target);
  if (target?.hasAttribute("data-print")) window.print();
  if (target?.hasAttribute("data-dismiss")) target.closest(".toast").remove();
  if (target?.hasAttribute("data-set-theme")) {
    event.preventDefault();
    setTheme(target.dataset.setTheme);
  }
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});

// Search: `/`, Ctrl+K or a click on the frame's field open the palette; arrows move, Enter opens.
document.addEventListener("click", (event) => {
  if (event.target.matches("[data-search]") && palette()) palette().showPopover();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input, textarea, select, [contenteditable]");
  const wantsSearch = (event.key === "/" && !typing) || (event.key === "k" && (event.ctrlKey || event.metaKey));
  if (wantsSearch && palette() && !event.altKey) {
    event.preventDefault();
    palette().showPopover();
  }
  if (event.key === "Escape") {
    const menu = event.target.closest?.("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  if (event.target.id === "palette-q" && event.key === "Escape") palette().hidePopover();
  if (event.target.id === "palette-q") moveInPalette(event);
});

document.addEventListener("focusout", (event) => {
  const leaves = palette()?.contains(event.target) && event.relatedTarget && !palette().contains(event.relatedTarget);
  if (leaves) palette().hidePopover();
});

// What is found for words that have changed since is never opened by Enter: the server answers that one.
document.addEventListener("input", (event) => {
  if (event.target.id === "palette-q") choose(null);
});

function choose(option) {
  document.querySelectorAll("#found [role=option]").forEach((each) => each.setAttribute("aria-selected", String(each === option)));
  const field = document.getElementById("palette-q");
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
}

function moveInPalette(event) {
  const options = [...document.querySelectorAll("#found [role=option]")];
  const now = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "Enter" && now >= 0) {
    event.preventDefault();
    location.assign(options[now].href);
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !options.length) return;
  event.preventDefault();
  const next = options[(now + step + options.length) % options.length];
  choose(next);
  next.scrollIntoView({ block: "nearest" });
}

// Ages go on while a page is open, and a status that depends on one with them. Each was right when it came.
const born = new WeakMap();
const sizes = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"]];

function duration(seconds) {
  for (const [size, unit, part, smaller] of sizes) {
    if (seconds < size) continue;
    const rest = Math.floor((seconds % size) / part);
    return `${Math.floor(seconds / size).toLocaleString("en")} ${unit}${rest ? ` ${rest} ${smaller}` : ""}`;
  }
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min` : `${seconds} s`;
}

function secondsOld(element, atFirst) {
  if (!born.has(element)) born.set(element, Date.now() - 1000 * atFirst);
  return Math.max(0, Math.floor((Date.now() - born.get(element)) / 1000));
}

function tick() {
  document.querySelectorAll("time[data-age]").forEach((time) => {
    const words = duration(secondsOld(time, time.dataset.age));
    if (time.textContent !== words) time.textContent = words;
  });
  document.querySelectorAll("[data-steps]").forEach((status) => {
    const seconds = secondsOld(status, status.dataset.seconds);
    const [, words, tone, mark] = JSON.parse(status.dataset.steps).findLast(([since]) => since <= seconds);
    if (status.lastElementChild.textContent === words) return;
    status.lastElementChild.textContent = words;
    status.dataset.tone = tone;
    const use = status.querySelector("use");
    use.setAttribute("href", `${use.getAttribute("href").split("#")[0]}#${mark}`);
  });
}
tick();
setInterval(tick, 1000);

// A filter form sends itself when a choice changes; without script its button does.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form && event.target.matches("select")) form.requestSubmit();
});

// After a swap: keep the keyboard where it was, or move it to what was asked for.
document.addEventListener("htmx:afterSettle", (event) => {
  const found = document.getElementById("found");
  if (event.target === found) {
    const field = document.getElementById("palette-q");
    const first = found.querySelector("[role=option]");
    field.setAttribute("aria-expanded", String(Boolean(first)));
    choose(first);
  }
  const wanted = event.target.querySelector?.("[data-focus]") || (event.target.matches?.("[data-focus]") && event.target);
  if (wanted && document.activeElement === document.body) wanted.focus();
});

// htmx keeps the focus of what has an id; this keeps how far a table with an id was scrolled sideways.
const scrolled = new Map();
document.addEventListener("htmx:beforeSwap", () => {
  scrolled.clear();
  document.querySelectorAll(".sheet[id]").forEach((sheet) => scrolled.set(sheet.id, sheet.scrollLeft));
});
document.addEventListener("htmx:afterSettle", () => {
  scrolled.forEach((left, id) => {
    const sheet = document.getElementById(id);
    if (sheet && left) sheet.scrollLeft = left;
  });
});

// Drafts: what a person types into a form[data-draft] stays in this tab, and comes back after a page that says
// [data-unsent]: the session had ended, so nothing was sent. Otherwise a form begins afresh.
const draftKey = (form) => `draft ${document.querySelector(".frame")?.dataset.person} ${location.pathname}${location.search} ${form.getAttribute("action") ?? ""}`;
const isKept = (field) => field.name && !["hidden", "password", "submit"].includes(field.type) && field.autocomplete !== "off";
const isBox = (field) => field.type === "checkbox" || field.type === "radio";

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form?.hasAttribute("data-draft")) return;
  const kept = [...form.elements].filter(isKept).map((field) => [field.name, field.value, isBox(field) ? field.checked : true]);
  sessionStorage.setItem(draftKey(form), JSON.stringify(kept));
});

function restoreDraft(form) {
  const kept = JSON.parse(sessionStorage.getItem(draftKey(form)) ?? "[]");
  for (const [name, value, isOn] of kept) {
    for (const field of [...form.elements].filter((each) => each.name === name && isKept(each))) {
      if (!isBox(field)) field.value = value;
      else if (field.value === value) field.checked = isOn;
    }
  }
  if (!kept.length) return;
  form.elements[0].dispatchEvent(new Event("input", { bubbles: true }));
  toast("What you had typed here is filled in again.", "info", "info");
}

function meetDrafts() {
  if (document.querySelector("[data-unsent]")) sessionStorage.setItem("unsent", "yes");
  const forms = document.querySelectorAll("form[data-draft]");
  forms.forEach((form) => {
    if (sessionStorage.getItem("unsent")) restoreDraft(form);
    else sessionStorage.removeItem(draftKey(form));
  });
  if (forms.length) sessionStorage.removeItem("unsent");
}
meetDrafts();

// A form that is drawn anew while somebody types in it keeps what was typed; of one that goes, since others were
// quicker, the words stay in #overtaken until the person leaves.
const texts = "form[data-draft] :is(textarea, input[type=radio]:checked)";

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  const lost = [];
  for (const field of target.querySelectorAll?.(texts) ?? []) {
    const anew = fragment.querySelector(`#${CSS.escape(field.id)}`);
    if (isBox(field)) anew?.setAttribute("checked", "");
    else if (anew) anew.textContent = field.value;
    else if (field.value.trim()) lost.push(field.value);
  }
  const box = document.getElementById("overtaken");
  if (!lost.length || !box) return;
  const kept = document.getElementById("overtaken-typed");
  kept.value = [kept.value, ...lost].filter(Boolean).join("\n\n");
  document.getElementById("overtaken-kept").hidden = box.hidden = false;
  box.classList.add("error-summary");
  box.focus();
});

// Parts of a form that only one choice needs: hidden for another, unless something stands in them.
function meetParts() {
  document.querySelectorAll("[data-shown-for]").forEach((part) => {
    const [name, value] = part.dataset.shownFor.split("=");
    const isFilled = (each) => (isBox(each) ? each.checked : each.tagName !== "SELECT" && each.value !== "");
    const keeps = part.querySelector(".errorlist") || [...part.querySelectorAll("input, select, textarea")].some(isFilled);
    // a value that ends in a colon is what the choice begins with
    const chosen = part.closest("form").elements[name].value;
    part.hidden = !(value.endsWith(":") ? chosen.startsWith(value) : chosen === value) && !keeps;
  });
}
document.addEventListener("change", meetParts);
meetParts();

// The server's error parts are swapped into the toasts; silence from it is said here.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status !== 401) return;
  if (signedOut && toasts().querySelector("[data-signed-out]")) event.detail.shouldSwap = false;
  signedOut = true;
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const isPoll = !event.detail.requestConfig.triggeringEvent?.isTrusted;
  const marked = getSelection();
  const isMarking = !marked.isCollapsed && event.target.contains(marked.anchorNode);
  // polls rest until somebody signs in again, and while text in what they would replace is marked
  if (isPoll && (signedOut || isMarking)) event.preventDefault();
});
document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.requestConfig.triggeringEvent?.isTrusted) toast("The server could not be reached. What you typed is still here.", "bad", "mark-refused");
});
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status > 500) toast("The server did not answer properly. What you typed is still here.", "bad", "mark-refused");
});

// Signed in again in another tab: this page takes the new session's token, so what was typed can be sent.
window.addEventListener("focus", async () => {
  if (!signedOut) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = fresh.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  if (!token) return;
  document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((field) => (field.value = token));
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  toasts().replaceChildren();
  signedOut = false;
});

// On load: an error summary takes the focus; toasts from the last page leave by themselves.
document.querySelector(".error-summary")?.focus();
setTimeout(() => toasts()?.querySelectorAll('.toast[data-tone="good"]').forEach((box) => box.remove()), 8000);
