// Lists: which columns show, how dense rows are, ticked rows, rows that open, filters that apply themselves.
(() => {
  "use strict";

  // --- columns: th[data-col]; the choice is remembered for each table[data-columns] ---
  const keyOf = (table) => `jz-columns:${table.dataset.columns}`;

  function hiddenColumns(table) {
    try {
      const saved = JSON.parse(localStorage.getItem(keyOf(table)));
      if (Array.isArray(saved)) return new Set(saved);
    } catch { /* a damaged note is no note */ }
    return new Set([...table.querySelectorAll("th[data-col][data-off]")].map((th) => th.dataset.col));
  }

  function applyColumns(table) {
    const hidden = hiddenColumns(table);
    [...table.tHead.rows[0].cells].forEach((th, index) => {
      if (!th.dataset.col) return;
      const off = hidden.has(th.dataset.col);
      for (const row of table.rows) if (row.cells[index] && row.cells.length > 1) row.cells[index].hidden = off;
    });
  }

  function buildMenu(table) {
    const menu = document.querySelector(`[data-columns-for="${table.dataset.columns}"]`);
    if (!menu) return;
    const hidden = hiddenColumns(table);
    menu.replaceChildren(...[...table.querySelectorAll("th[data-col]")].map((th) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.className = "form-check-input m-0";
      box.checked = !hidden.has(th.dataset.col);
      box.addEventListener("change", () => {
        const now = hiddenColumns(table);
        box.checked ? now.delete(th.dataset.col) : now.add(th.dataset.col);
        localStorage.setItem(keyOf(table), JSON.stringify([...now]));
        applyColumns(table);
      });
      label.append(box, th.dataset.title || th.textContent.trim());
      return label;
    }));
  }

  function prepare() {
    document.querySelectorAll("table.list[data-columns]").forEach((table) => {
      applyColumns(table);
      buildMenu(table);
    });
    countTicked();
  }

  // --- density ---
  document.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-density]");
    if (!choice) return;
    document.documentElement.classList.remove("density-normal", "density-compact", "density-roomy");
    document.documentElement.classList.add(`density-${choice.dataset.density}`);
    jinzhi.remember("jz-density", choice.dataset.density);
  });

  // --- ticked rows and acts on all of them ---
  function countTicked() {
    const ticked = document.querySelectorAll("table.list tbody .tick input:checked").length;
    document.querySelectorAll(".bulk").forEach((bulk) => {
      bulk.classList.toggle("on", ticked > 0);
      const words = bulk.querySelector("[data-ticked]");
      if (words) words.textContent = `已选 ${ticked} 行`;
    });
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("table.list thead .tick input")) {
      const boxes = event.target.closest("table").querySelectorAll("tbody .tick input:not(:disabled)");
      boxes.forEach((box) => (box.checked = event.target.checked));
    }
    if (event.target.closest(".tick")) countTicked();
    const form = event.target.closest("form[data-auto]");
    if (form && event.target.matches("select, input[type=checkbox], input[type=radio], input[type=date]")) form.requestSubmit();
  });

  // --- a click anywhere on a row opens it ---
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-href]");
    if (!row || event.target.closest("a, button, input, label, select, summary") || getSelection().toString()) return;
    if (event.ctrlKey || event.metaKey) window.open(row.dataset.href, "_blank", "noopener");
    else location.href = row.dataset.href;
  });

  // --- filters leave empty fields out of the address, so that a link stays short ---
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form.filters")) return;
    event.target.querySelectorAll("input, select").forEach((input) => {
      if (!input.value) input.disabled = true;
    });
    setTimeout(() => event.target.querySelectorAll(":disabled").forEach((input) => (input.disabled = false)), 0);
  });

  document.body.addEventListener("htmx:afterSettle", prepare);
  prepare();
})();
