// Ticking lines of the to-do list: how many are chosen, the buttons of what the law allows for many at once.
(() => {
  "use strict";
  const form = document.querySelector("[data-bulk]");
  if (!form) return;
  const boxes = () => [...form.querySelectorAll("input[name=steps]")];
  const show = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    form.querySelector("[data-bulk-count]").textContent = chosen ? `已选 ${chosen} 件` : "未选择";
    for (const button of form.querySelectorAll("button[name=action]")) button.disabled = !chosen;
  };
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-bulk-all]")) for (const box of boxes()) box.checked = event.target.checked;
    show();
  });
  form.addEventListener("click", (event) => {
    if (event.target.closest("td.tick")) event.stopPropagation(); // the line itself opens the case
  });
})();
