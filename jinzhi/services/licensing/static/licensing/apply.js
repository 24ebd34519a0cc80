// The application form: rows that are added and removed, questions that depend on others, the rail's counts.
(() => {
  "use strict";
  const form = document.getElementById("apply");
  if (!form) return;

  function renumber(box) {
    const title = box.closest("section").querySelector(".section-title").textContent.replace(/^\d+\.\s*/, "");
    box.querySelectorAll(":scope > .row-box [data-row-number]").forEach((legend, i) => { legend.textContent = `${title} ${i + 1}`; });
  }

  function narrow(row) {
    const main = row.querySelector("select[name$='-category']");
    const detail = row.querySelector("select[name$='-detail']");
    if (!main || !detail) return;
    for (const option of detail.options) {
      const fits = !option.value || option.dataset.parent === main.value;
      option.hidden = option.disabled = !fits;
      if (!fits && option.selected) detail.value = "";
    }
  }

  function depend() {
    form.querySelectorAll("[data-show-if]").forEach((question) => {
      const wanted = question.dataset.showValue.split("|");
      const given = [...form.querySelectorAll(`[name="${CSS.escape(question.dataset.showIf)}"]`)]
        .filter((one) => one.type !== "checkbox" || one.checked).map((one) => one.value);
      question.hidden = !given.some((value) => wanted.includes(value));
    });
  }

  document.addEventListener("click", (event) => {
    const add = event.target.closest("[data-add-row]");
    const remove = event.target.closest("[data-remove-row]");
    const drop = event.target.closest("[data-drop-file]");
    if (add) {
      const box = form.querySelector(`[data-rows="${add.dataset.addRow}"]`);
      const numbers = [...box.querySelectorAll("[name]")].map((i) => Number(i.name.split("-")[1])).filter(Number.isFinite);
      const next = Math.max(-1, ...numbers) + 1;
      const holder = document.createElement("div");
      holder.innerHTML = box.querySelector("template").innerHTML.replaceAll("__n__", String(next));
      box.append(holder.firstElementChild);
      renumber(box);
      narrow(box.lastElementChild);
      box.lastElementChild.querySelector("input, select")?.focus();
    } else if (remove) {
      const box = remove.closest("[data-rows]");
      remove.closest(".row-box").remove();
      renumber(box);
      form.dispatchEvent(new Event("input"));
    } else if (drop) {
      drop.closest("li").remove();
      form.dispatchEvent(new Event("input"));
    }
  });

  form.addEventListener("input", (event) => {
    // What was wrong has been changed: its mark goes; the server judges again.
    event.target.classList?.remove("is-invalid");
    event.target.closest?.(".question")?.querySelectorAll(".invalid-feedback").forEach((words) => words.remove());
  });

  form.addEventListener("change", (event) => {
    const row = event.target.closest(".row-box");
    if (row && event.target.name.endsWith("-category")) narrow(row);
    depend();
  });

  form.addEventListener("autosaved", (event) => {
    const { lacking, total, revision } = event.detail;
    if (revision !== undefined && form.elements.revision) form.elements.revision.value = revision;
    for (const [key, count] of Object.entries(lacking || {})) {
      const line = document.querySelector(`[data-rail="${key}"]`);
      if (!line) continue;
      line.className = count ? "lacking" : "done";
      line.querySelector("[data-count]").textContent = count ? `差 ${count} 处` : "";
      const mark = line.querySelector(".rail-mark");
      mark.textContent = count ? [...line.parentElement.children].indexOf(line) + 1 : "✓";
    }
    const words = form.querySelector("[data-lacking]");
    if (total !== undefined && words) words.textContent = total ? `还差 ${total} 处` : "已填齐";
  });

  form.addEventListener("submit", (event) => {
    const declared = document.getElementById("declare");
    if (!declared || declared.checked) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    delete form.dataset.sent; // nothing was sent: the button may be pressed again
    event.submitter?.removeAttribute("aria-busy");
    jinzhi.toast("请先确认对材料真实性负责的声明。", "warning");
    declared.focus();
  }, true);

  form.querySelectorAll("[data-rows] > .row-box").forEach(narrow);
  depend();
})();
