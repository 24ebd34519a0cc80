// Copies a link; where the browser refuses, the field is selected so that the person can.
(() => {
  "use strict";
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "已复制";
    } catch {
      button.parentElement.querySelector("input")?.select();
    }
  });
})();
