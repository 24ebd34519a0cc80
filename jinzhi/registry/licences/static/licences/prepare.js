// Keeps the offline page, the published keys and the newest status list on this phone, whenever a page of the
// verification is opened with network. Needs https (or this machine itself), as every service worker does.
(() => {
  "use strict";
  const { worker, keys, list } = document.querySelector("[data-offline]")?.dataset ?? {};
  if (!worker || !("serviceWorker" in navigator)) return;
  const words = document.querySelector("[data-offline-words]");
  navigator.serviceWorker
    .register(worker, { scope: "/verify/" })
    .then(() => navigator.serviceWorker.ready)
    .then(() => Promise.all([keys, list].map((address) => fetch(address, { credentials: "omit" }))))
    .then(() => { if (words) words.textContent = "已保存到这部手机：没有网络时扫码也能查验。"; })
    .catch(() => { if (words) words.textContent = ""; });
})();
