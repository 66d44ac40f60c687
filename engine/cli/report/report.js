"use strict";
// The inspector. All that comes from a run becomes text by textContent, never markup.
(() => {
  const MOST = 200; // elements of an array or collection that are shown at once
  const LONGEST = 2000; // characters of a text that are shown at once
  const data = JSON.parse(document.getElementById("data").textContent);
  const nodes = new Map(data.nodes);
  const inspector = document.getElementById("inspector");
  const hint = document.getElementById("hint");
  let chosen = null; // id of the node that is shown
  let index = 0; // of the operation that is shown, among those that are kept
  let missing = ""; // number of the operation that was asked for and is not kept

  function make(name, className, text) {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function button(text, className, act) {
    const element = make("button", className, text);
    element.type = "button";
    element.addEventListener("click", act);
    return element;
  }

  function counted(count, noun) {
    return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
  }

  // Text: control characters and those that turn the direction of writing are written out.
  function readable(text) {
    return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
      (sign) => sign === "\t" ? sign : `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }

  function textValue(text) {
    const element = make("span", "text");
    const shown = readable(text);
    element.textContent = shown.length > LONGEST ? `${shown.slice(0, LONGEST)}\u2026` : shown;
    if (shown.length <= LONGEST) return [element];
    const more = button(`show all ${shown.length} characters`, "more", () => {
      element.textContent = shown;
      element.tabIndex = -1;
      element.focus();
      more.remove();
    });
    return [element, more];
  }

  function plain(value) {
    if (value === null) return [make("span", "null", "null")];
    if (typeof value === "string") return textValue(value);
    if (typeof value !== "object") return [make("span", "number", String(value))];
    if ("n" in value) return [make("span", "number", value.n)];
    if ("d" in value) return [make("span", "date", value.d)];
    if ("b" in value) return [make("span", "file", `buffer of ${value.b}`)];
    if ("f" in value) {
      const [name, size, type, hash] = value.f;
      const file = make("span", "file", readable(`${name} (${size}, ${type})`));
      file.title = `sha256 ${hash}`;
      return [file];
    }
    return null; // it has parts
  }

  function partsOf(value) {
    if ("a" in value) return value.a.map((part, at) => [`[${at}]`, part]);
    return value.o;
  }

  function addParts(list, parts, from) {
    for (const [name, value] of parts.slice(from, from + MOST)) list.append(item(name, value, false));
    const left = parts.length - from - MOST;
    if (left <= 0) return;
    const row = make("li");
    row.append(button(`show more (${left} left)`, "more", () => {
      const last = list.children.length - 1;
      row.remove();
      addParts(list, parts, from + MOST);
      const next = list.children[last];
      next.tabIndex = -1;
      next.focus();
    }));
    list.append(row);
  }

  function item(name, value, open) {
    const row = make("li");
    const label = make("span", "name", readable(name));
    const simple = plain(value);
    if (simple) {
      row.append(label, ...simple);
      return row;
    }
    const parts = partsOf(value);
    const noun = "a" in value ? "element" : "item";
    const details = make("details");
    const summary = make("summary");
    summary.append(label, make("span", "size", counted(parts.length, noun)));
    details.append(summary);
    const fill = () => {
      if (details.children.length > 1) return;
      const list = make("ul", "tree");
      addParts(list, parts, 0);
      details.append(list);
    };
    details.addEventListener("toggle", fill);
    if (open) {
      fill();
      details.open = true;
    }
    row.append(details);
    return row;
  }

  function bundle(name, place, open) {
    if (place !== null) return item(name, data.bundles[place], open);
    const row = make("li");
    const why = data.full ? "too large to be kept, or for this page" : "too large to be kept";
    row.append(make("span", "name", readable(name)), make("span", "null", why));
    return row;
  }

  function tree(title, rows) {
    const section = make("section");
    section.append(make("h4", "", title));
    const list = make("ul", "tree");
    list.append(...rows);
    if (rows.length) section.append(list);
    return section;
  }

  // What its mapped fields came to; they are worked out anew, from what it saw.
  function fields(mapped) {
    if ("fault" in mapped) {
      const section = tree("fields", []);
      section.append(make("p", "note", readable(mapped.fault)));
      return section;
    }
    if (mapped.place === null) return tree("fields", [bundle("all", null, false)]);
    return tree("fields", partsOf(data.bundles[mapped.place]).map((part) => item(...part, false)));
  }

  function shownOperation(operation) {
    const box = make("div", "operation");
    if (operation.failure) {
      const [type, message, where, which] = operation.failure;
      const failure = make("div", "failure");
      failure.append(make("strong", "", `${type}: `), ...textValue(message));
      for (const note of [which, where]) {
        if (note) failure.append(make("p", "note", readable(note)));
      }
      box.append(failure);
    }
    const last = operation.saw.length - 1;
    box.append(tree(operation.saw.length ? "saw" : "saw nothing",
      operation.saw.map(([name, place], at) => bundle(name, place, at === last))));
    if (operation.fields) box.append(fields(operation.fields));
    if (!operation.failure) {
      const more = operation.gave.length && operation.gave.length < operation.emitted;
      const title = `emitted ${counted(operation.emitted, "bundle")}`;
      box.append(tree(more ? `${title}; the first ${operation.gave.length}:` : title,
        operation.gave.map((place, at) => bundle(`[${at}]`, place, true))));
    }
    return box;
  }

  function choice(node) {
    const row = make("div", "choice");
    const select = make("select");
    select.setAttribute("aria-label", "bundle");
    node.operations.forEach((operation, at) => {
      const failed = operation.failure ? ` \u2013 ${operation.failure[0]}` : "";
      const option = make("option", "", `bundle ${operation.number}${failed}`);
      option.value = String(at);
      select.append(option);
    });
    select.value = String(index);
    select.addEventListener("change", () => turn(Number(select.value), "select"));
    const before = button("\u2190", "turn before", () => turn(index - 1, ".before"));
    const after = button("\u2192", "turn after", () => turn(index + 1, ".after"));
    before.setAttribute("aria-label", "bundle before");
    after.setAttribute("aria-label", "bundle after");
    before.disabled = index === 0;
    after.disabled = index === node.operations.length - 1;
    row.append(before, select, after, make("span", "kept", `kept: ${node.kept}`));
    return row;
  }

  function turn(to, focus) {
    index = to;
    missing = "";
    show();
    const target = inspector.querySelector(focus);
    (target.disabled ? inspector.querySelector("select") : target).focus();
  }

  function show() {
    const node = nodes.get(chosen);
    hint.hidden = !data.withheld;
    inspector.replaceChildren();
    const title = make("h3", node.outcome, readable(node.title));
    title.tabIndex = -1;
    inspector.append(title, make("p", "module", node.module));
    if (node.operations.length) {
      inspector.append(choice(node));
      if (missing) inspector.append(make("p", "note missing", `Bundle ${missing} is not kept; this is the nearest that is.`));
      inspector.append(shownOperation(node.operations[index]));
    } else if (!data.withheld) {
      inspector.append(make("p", "note", "Nothing that it did with a bundle is kept."));
    }
    for (const element of document.querySelectorAll("[data-node],[data-pick]")) {
      const own = element.dataset.node ?? element.dataset.pick;
      element.classList.toggle("chosen", own === chosen);
      if (element.dataset.node) element.setAttribute("aria-pressed", String(own === chosen));
    }
  }

  // With a number: that operation, or what is kept next to it. Without: the first that failed.
  function choose(id, number) {
    const operations = nodes.get(id).operations;
    const away = (one) => Math.abs(one.number - Number(number));
    const failed = operations.findIndex((one) =>
      one.failure && (!number || String(one.number) === number));
    const nearest = number
      ? operations.reduce((best, one, at) => away(one) < away(operations[best]) ? at : best, 0)
      : 0;
    chosen = id;
    index = failed >= 0 ? failed : nearest;
    missing = number && operations.length && away(operations[index]) ? number : "";
    show();
  }

  function pick(id, number) {
    choose(id, number);
    inspector.querySelector("h3").focus();
  }

  for (const element of document.querySelectorAll("[data-node]")) {
    element.setAttribute("tabindex", "0");
    element.setAttribute("role", "button");
    element.setAttribute("aria-pressed", "false");
    element.addEventListener("click", () => pick(element.dataset.node));
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      pick(element.dataset.node);
    });
  }
  // The bars of a node are one stop of the Tab key; arrows go from one to the next.
  for (const lane of document.querySelectorAll("[data-bars]")) {
    const bars = [...lane.querySelectorAll("rect")];
    const stop = (at) => {
      bars.forEach((bar, place) => bar.setAttribute("tabindex", place === at ? "0" : "-1"));
      return bars[at];
    };
    bars.forEach((bar, at) => {
      const act = () => pick(lane.dataset.bars, bar.dataset.number);
      bar.setAttribute("role", "button");
      bar.setAttribute("aria-label", bar.textContent);
      bar.addEventListener("click", () => { stop(at); act(); });
      bar.addEventListener("keydown", (event) => {
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: bars.length - 1 }[event.key];
        if (to === undefined && event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        if (to === undefined) act();
        else if (bars[to]) stop(to).focus();
      });
    });
    stop(0);
  }
  for (const element of document.querySelectorAll("[data-pick]")) {
    element.addEventListener("click", () => pick(element.dataset.pick, element.dataset.number));
  }

  const whole = document.getElementById("whole");
  whole?.addEventListener("click", () => {
    const is = document.querySelector(".scroll").classList.toggle("whole");
    whole.setAttribute("aria-pressed", String(is));
  });
  const kept = data.nodes.filter(([, node]) => node.operations.length);
  const failed = kept.find(([, node]) => node.operations.some((one) => one.failure));
  const first = failed ?? kept[0];
  if (first) choose(first[0]);
})();
