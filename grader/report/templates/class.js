"use strict";
(() => {
  const find = id => document.getElementById(id);
  const table = find("_table");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const scroller = table.closest(".scroll");
  const [search, check, verdict, mistake] = ["_search", "_check", "_verdict", "_mistake"].map(find);
  const FIRST_CHECK = 2;  // the columns before it are name and score
  const RANK = {fail: 0, inconclusive: 1, skipped: 2, pass: 3};
  const PAGE = 10;
  const SOME = 25;
  const collator = new Intl.Collator(undefined, {numeric: true, sensitivity: "base"});
  const folded = text => text.normalize("NFKC").toLowerCase();

  const rows = [...body.rows].map(element => {
    const cells = [...element.cells];
    const states = cells.slice(FIRST_CHECK).map(cell => cell.classList[0]).filter(state => state === "absent" || state in RANK);
    const mistakes = (element.dataset.mistakes || "").split(" ").filter(Boolean);
    const words = folded(`${cells[0].textContent} ${cells[cells.length - 1].textContent}`);
    return {element, cells, states, mistakes, words};
  });

  // Sorting: each column once forwards, then backwards; rows that are alike keep their order, and those that have
  // nothing in the column come last both ways.
  const keys = {
    name: row => row.cells[0].textContent,
    number: row => row.states[0] === "absent" ? null : parseFloat(row.cells[1].textContent),
    verdict: (row, column) => RANK[row.states[column - FIRST_CHECK]] ?? null,
    length: row => -row.mistakes.length || null,
  };

  // What is out of view is laid out a little later, some rows at a time; a screen reader finds only what has been.
  const soon = window.requestIdleCallback || (act => setTimeout(act, 50));
  const settle = () => {
    const waiting = body.getElementsByClassName("later");
    for (let left = SOME; left && waiting.length; left -= 1) waiting[0].classList.remove("later");
    if (waiting.length) soon(settle);
  };

  const sort = column => {
    const head = heads[column];
    const by = head.dataset.by;
    const sign = head.ariaSort === "ascending" ? -1 : 1;
    const compare = by === "name" ? collator.compare : (a, b) => a - b;
    const keyed = rows.map(row => [keys[by](row, column), row]);
    keyed.sort(([a], [b]) => (a === null) - (b === null) || sign * (a === null ? 0 : compare(a, b)));
    keyed.forEach(([, row], place) => { rows[place] = row; });
    for (const {element} of rows) element.classList.add("later");
    body.append(...rows.map(row => row.element));
    soon(settle);
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.ariaSort = sign === 1 ? "ascending" : "descending";
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });

  // Filtering: what is asked for must all be true.
  const ends = (row, wanted) => {
    if (!wanted) return true;
    if (check.value === "some") return row.states.includes(wanted);
    if (check.value === "every") return row.states.length > 0 && row.states.every(state => state === wanted);
    return (row.states[Number(check.value)] ?? "absent") === wanted;
  };

  const filter = () => {
    const words = folded(search.value).split(" ").filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const wanted = words.every(word => row.words.includes(word))
        && ends(row, verdict.value)
        && (!mistake.value || row.mistakes.includes(mistake.value));
      row.element.hidden = !wanted;
      shown += wanted;
    }
    const count = find("_count");
    count.textContent = count.dataset.words.replace("{shown}", shown).replace("{all}", rows.length);
  };

  const reset = () => {
    search.value = mistake.value = verdict.value = "";
    check.value = "some";
    filter();
  };

  search.addEventListener("input", filter);
  for (const choice of [check, verdict, mistake]) choice.addEventListener("change", filter);
  find("_everyone").addEventListener("click", reset);

  for (const item of document.querySelectorAll("[data-mistake]")) {
    const button = item.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", () => {
      reset();
      mistake.value = item.dataset.mistake;
      filter();
      find("_submissions").scrollIntoView();
      scroller.focus({preventScroll: true});
    });
  }

  // The keyboard: / to search, arrows from cell to cell.
  const step = (element, way, times) => {
    let found = element;
    for (let next = element[way]; next && times; next = next[way]) {
      if (!next.hidden) { found = next; times -= 1; }
    }
    return found;
  };

  const target = (cell, key) => {
    const row = cell.parentElement;
    const below = (way, times) => {
      const cells = step(row, way, times).cells;
      return cells[Math.min(cell.cellIndex, cells.length - 1)];
    };
    switch (key) {
      case "ArrowUp": return below("previousElementSibling", 1);
      case "ArrowDown": return below("nextElementSibling", 1);
      case "PageUp": return below("previousElementSibling", PAGE);
      case "PageDown": return below("nextElementSibling", PAGE);
      case "ArrowLeft": return cell.previousElementSibling;
      case "ArrowRight": return cell.nextElementSibling;
      case "Home": return row.cells[0];
      case "End": return row.cells[row.cells.length - 1];
      default: return null;
    }
  };

  body.addEventListener("keydown", event => {
    const cell = event.target.closest("th, td");
    const next = cell && target(cell, event.key);
    if (!next || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const link = next.querySelector("a");
    if (!link) next.tabIndex = -1;
    (link || next).focus();
  });

  document.addEventListener("keydown", event => {
    if (event.key === "/" && !event.target.closest("input, select")) {
      event.preventDefault();
      search.focus();
    }
  });
  search.addEventListener("keydown", event => {
    if (event.key === "Escape") { search.value = ""; filter(); }
  });

  document.querySelector(".controls").hidden = false;
  filter();
})();
