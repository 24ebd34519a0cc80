// The on-site checklist: how many items are graded.
(() => {
  "use strict";
  const form = document.querySelector("form.check");
  if (!form) return;
  function count() {
    const all = form.querySelectorAll(".check-item").length;
    const graded = form.querySelectorAll(".check-item input:checked").length;
    form.querySelector("[data-score]").textContent = graded === all ? `${all} 项全部评定` : `已评 ${graded} / ${all} 项`;
  }
  form.addEventListener("change", count);
  count();
})();
