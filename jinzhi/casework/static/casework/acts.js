// The dialogs of the bar at the bottom of a case: open, fill in a phrase, add a correction item.
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    if (on("[data-act]")) {
      const dialog = document.getElementById(on("[data-act]").dataset.act);
      dialog.showModal();
      dialog.querySelector("input:not([type=hidden]):not([type=radio]), select, textarea")?.focus();
    } else if (on("[data-close-act]")) on("dialog").close();
    else if (on("[data-phrase]")) {
      const box = on("form").querySelector("textarea[name=reason]");
      box.value = box.value ? `${box.value}；${on("[data-phrase]").textContent}` : on("[data-phrase]").textContent;
      box.focus();
    } else if (on("[data-more-items]")) {
      const list = on("fieldset").querySelector(".item-list");
      const input = list.lastElementChild.cloneNode();
      input.value = "";
      input.required = false;
      list.append(input);
      input.focus();
    }
  });
  document.querySelector("dialog[data-reopen]")?.showModal(); // a refused act: what was typed is still there
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const dialog = event.target.closest?.("dialog.act-dialog");
    if (dialog) dialog.querySelector("form").requestSubmit(dialog.querySelector("button[type=submit]:last-of-type"));
  });
})();
