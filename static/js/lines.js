// A field that holds one thing a line, as a list: each with a button that takes it out, and a field that adds one. The
// textarea stays what is sent, folded beneath; without this file it is the field.
"use strict";

const MOST_SHOWN = 50;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|[^\S ]/u;

function drawn(text) {
  const span = document.createElement("span");
  span.className = "key";
  const inner = text.trim();
  const start = inner ? text.indexOf(inner) : text.length;
  [...text].reduce((at, letter) => {
    const isOuter = at < start || at >= start + inner.length;
    if (!UNSEEN.test(letter) && !isOuter) span.append(letter);
    else {
      const sign = document.createElement("span");
      sign.textContent = letter;
      if (UNSEEN.test(letter)) {
        sign.className = "unseen";
        sign.setAttribute("data-code", `U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
      } else sign.className = "sp";
      span.append(sign);
    }
    return at + letter.length;
  }, 0);
  return span;
}

function made(tag, text = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function unseen(words) {
  const span = made("span", words);
  span.className = "visually-hidden";
  return span;
}

class Lines {
  constructor(textarea) {
    this.textarea = textarea;
    this.what = textarea.dataset.lines;
    this.held = textarea.dataset.held ? JSON.parse(textarea.dataset.held) : this.split(textarea.defaultValue);
    this.box = made("div");
    this.box.className = "lines";
    this.tally = made("p");
    this.tally.className = "tally";
    this.tally.setAttribute("role", "status");
    this.list = made("ol");
    this.adding = this.adds();
    this.finding = this.finds();
    this.box.append(this.tally, this.adding, this.finding, this.list);
    const fold = made("details");
    fold.className = "fold";
    fold.append(made("summary", `Edit all as text, one ${this.what} a line`));
    textarea.before(this.box, fold);
    fold.append(textarea);
    fold.open = textarea.getAttribute("aria-invalid") === "true";
    textarea.form.addEventListener("input", () => textarea.value !== this.drawnFor && this.draw());
    this.draw();
  }

  split(text) {
    return text.split(/\r\n|\r|\n/).filter((line) => line);
  }

  get now() {
    return this.split(this.textarea.value);
  }

  labelled(words, type) {
    const label = made("label", words);
    const input = made("input");
    if (type === "text") input.className = "key";
    input.type = type;
    input.autocomplete = "off";
    input.spellcheck = false;
    input.id = `${this.textarea.id}_${type}`;
    label.htmlFor = input.id;
    return [label, input];
  }

  adds() {
    const row = made("div");
    row.className = "add";
    const [label, input] = this.labelled(`Add an ${this.what}`, "text");
    const button = made("button", "Add");
    button.className = "button";
    button.type = "button";
    const hint = made("p");
    hint.className = "hint";
    hint.setAttribute("role", "status");
    const add = (texts) => {
      const held = new Set(this.now);
      const twice = texts.filter((text) => held.has(text));
      hint.textContent = twice.length ? `“${twice[0]}” is there already.` : "";
      this.set([...this.now, ...new Set(texts.filter((text) => text && !held.has(text)))]);
      input.value = "";
      input.focus();
    };
    button.addEventListener("click", () => add([input.value]));
    input.addEventListener("input", (event) => event.stopPropagation());
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      if (input.value) add([input.value]);
    });
    input.addEventListener("paste", (event) => {
      const texts = this.split(event.clipboardData.getData("text"));
      if (texts.length < 2) return;
      event.preventDefault();
      add(texts);
    });
    row.append(label, input, button, hint);
    return row;
  }

  finds() {
    const row = made("div");
    row.className = "find";
    const [label, input] = this.labelled("Find among them", "search");
    input.addEventListener("input", (event) => {
      event.stopPropagation();
      this.draw();
    });
    input.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
    row.append(label, input);
    return row;
  }

  set(lines) {
    this.textarea.value = lines.join("\n");
    this.textarea.dispatchEvent(new Event("input", { bubbles: true }));
  }

  row(sign, text) {
    const item = made("li");
    item.dataset.sign = sign;
    const [words, does] = { "+": ["Added: ", "Remove"], "−": ["Removed: ", "Put back"], "=": ["", "Remove"] }[sign];
    const button = made("button", does);
    button.className = "button";
    button.type = "button";
    button.dataset.rank = "plain";
    button.dataset.size = "small";
    button.append(unseen(` ${text}`));
    button.addEventListener("click", () => {
      this.set(sign === "−" ? [...this.now, text] : this.now.filter((line) => line !== text));
      this.adding.querySelector("input").focus();
    });
    item.append(unseen(words), drawn(text), button);
    return item;
  }

  draw() {
    this.drawnFor = this.textarea.value;
    const now = this.now;
    const [has, had] = [new Set(now), new Set(this.held)];
    const added = [...has].filter((line) => !had.has(line));
    const removed = this.held.filter((line) => !has.has(line));
    const wanted = this.finding.querySelector("input").value.toLowerCase();
    const kept = this.held.filter((line) => has.has(line) && line.toLowerCase().includes(wanted));
    this.finding.hidden = this.held.length <= 8;
    this.tally.textContent = `+${added.length} −${removed.length}: ${has.size.toLocaleString("en")} of 2,000 then`;
    const rows = [...added.map((text) => this.row("+", text)), ...removed.map((text) => this.row("−", text))];
    rows.push(...kept.slice(0, MOST_SHOWN).map((text) => this.row("=", text)));
    if (kept.length > MOST_SHOWN) {
      const more = made("li", `${(kept.length - MOST_SHOWN).toLocaleString("en")} more stay as they are: find them above.`);
      more.className = "quiet";
      rows.push(more);
    }
    this.list.replaceChildren(...rows);
  }
}

document.querySelectorAll("textarea[data-lines]").forEach((textarea) => new Lines(textarea));
