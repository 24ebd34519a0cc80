// What every page needs: remembered settings, menu, keyboard, messages, the asking dialog, the side panel.
(() => {
  "use strict";
  const root = document.documentElement;
  const find = (selector, within = document) => within.querySelector(selector);

  function remember(name, value) {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
  }

  // --- messages ---------------------------------------------------------
  function toast(text, kind = "info", seconds = 6) {
    const box = document.createElement("div");
    box.className = `notice notice-${kind}`;
    const words = document.createElement("div");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "notice-close";
    close.dataset.dismiss = "";
    close.setAttribute("aria-label", "关闭");
    close.textContent = "×";
    box.append(words, close);
    find("#toasts").append(box);
    if (seconds && kind !== "error") setTimeout(() => box.remove(), seconds * 1000);
  }

  // --- asking before an act ---------------------------------------------
  const ask = find("#ask");
  let answer = null;

  function confirmThen(options, act) {
    find("#ask-title").textContent = options.confirm || "确定要这样办理吗？";
    find(".ask-text", ask).textContent = options.confirmText || "";
    const wantsReason = options.confirmReason !== undefined;
    find(".ask-reason", ask).hidden = !wantsReason;
    find(".ask-error", ask).hidden = true;
    find(".ask-reason-label", ask).textContent = options.confirmReasonLabel || "理由";
    const reason = find("#ask-reason");
    reason.value = "";
    const yes = find("[data-ask=yes]", ask);
    yes.textContent = options.confirmYes || "确定";
    yes.className = options.confirmDanger !== undefined ? "btn btn-danger" : "btn btn-primary";
    answer = () => {
      if (wantsReason && reason.value.trim().length < 4) {
        find(".ask-error", ask).hidden = false;
        reason.focus();
        return false;
      }
      act(reason.value.trim());
      return true;
    };
    ask.showModal();
    (wantsReason ? reason : yes).focus();
  }

  ask?.addEventListener("submit", (event) => {
    event.preventDefault();
    if (answer && answer()) ask.close();
  });
  ask?.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("form", ask).requestSubmit();
  });

  function setHidden(form, name, value) {
    let input = form.querySelector(`input[type=hidden][name="${name}"]`);
    if (!input) {
      input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      form.append(input);
    }
    input.value = value;
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog") return;
    const button = event.submitter;
    const asking = button?.dataset.confirm !== undefined ? button : form;
    if (asking.dataset.confirm !== undefined && form.dataset.sure !== "1") {
      event.preventDefault();
      event.stopImmediatePropagation();
      confirmThen(asking.dataset, (reason) => {
        if (asking.dataset.confirmReason !== undefined) setHidden(form, asking.dataset.confirmReason || "reason", reason);
        form.dataset.sure = "1";
        form.requestSubmit(button || undefined);
        delete form.dataset.sure;
      });
      return;
    }
    if (form.method === "post" && !form.hasAttribute("hx-post")) {
      if (form.dataset.sent === "1") return void event.preventDefault(); // a second click does nothing
      form.dataset.sent = "1";
      button?.setAttribute("aria-busy", "true");
    }
  }, true);

  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
    document.querySelectorAll("[aria-busy=true]").forEach((button) => button.removeAttribute("aria-busy"));
  });

  // --- clicks -----------------------------------------------------------
  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    if (on("[data-dismiss]")) on(".notice")?.remove();
    else if (on("[data-menu]")) root.classList.toggle("menu-open");
    else if (on("[data-fold]")) remember("jz-menu", root.classList.toggle("menu-folded") ? "folded" : "open");
    else if (on("[data-theme-switch]")) {
      root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
      remember("jz-theme", root.dataset.bsTheme);
    } else if (on("[data-large]")) {
      const large = root.classList.toggle("large-print");
      remember("jz-large", large ? "1" : "0");
      on("[data-large]").setAttribute("aria-pressed", String(large));
    } else if (on("[data-keys]")) find("#keys")?.showModal();
    else if (on("[data-ask=no]")) ask.close();
    else if (on("[data-back]")) history.back();
    else if (on("[data-print]")) window.print();
    else if (on("[data-drawer-close]")) closeDrawer();
    else if (on("[data-copy]")) copy(on("[data-copy]"));
    else if (on("a[data-drawer]") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      openDrawer(on("a[data-drawer]"));
    }
  });

  async function copy(button) {
    await navigator.clipboard?.writeText(button.dataset.copy);
    toast(`已复制 ${button.dataset.copy}`, "success", 3);
  }

  // --- side panel: a fragment beside the page one is on --------------------
  let cameFrom = null;

  function openDrawer(link) {
    const drawer = find("#drawer");
    if (!drawer || !window.htmx) return void (location.href = link.href);
    cameFrom = link;
    drawer.hidden = false;
    htmx.ajax("GET", link.href, { target: "#drawer", swap: "innerHTML" }).then(() => find("a, button", drawer)?.focus());
  }

  function closeDrawer() {
    const drawer = find("#drawer");
    if (!drawer || drawer.hidden) return false;
    drawer.hidden = true;
    drawer.replaceChildren();
    cameFrom?.focus();
    return true;
  }

  // --- keyboard -----------------------------------------------------------
  let afterG = 0;

  function rows() {
    return [...document.querySelectorAll("table.list tbody tr[data-href]")];
  }

  function moveRow(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.classList.contains("at"));
    const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
    all.forEach((row) => row.classList.toggle("at", row === next));
    next.scrollIntoView({ block: "nearest" });
  }

  // the hits under a search box: arrows go through them, Escape leads back to the box
  function throughHits(event) {
    const form = event.target.closest?.(".finder");
    if (!form || !["ArrowDown", "ArrowUp", "Escape"].includes(event.key)) return false;
    const input = find("input[type=search]", form);
    const stops = [input, ...form.querySelectorAll(".quick a")];
    const at = stops.indexOf(document.activeElement);
    if (event.key === "Escape" && at < 1) return false;
    event.preventDefault();
    const next = event.key === "Escape" ? 0 : at + (event.key === "ArrowDown" ? 1 : -1);
    stops[Math.min(stops.length - 1, Math.max(0, next))].focus();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (throughHits(event)) return;
    if (event.key === "Escape") {
      root.classList.remove("menu-open");
      if (document.activeElement?.id === "find") document.activeElement.blur();
      else closeDrawer();
      return;
    }
    const typing = event.target.closest?.("input, textarea, select, [contenteditable], dialog");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (Date.now() - afterG < 1200) {
      afterG = 0;
      const link = find(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        location.href = link.href;
      }
      return;
    }
    const box = find("#find") || find("[data-find]");
    if (event.key === "/" && box) {
      event.preventDefault();
      box.focus();
      box.select();
    } else if (event.key === "g") afterG = Date.now();
    else if (event.key === "?") find("#keys")?.showModal();
    else if (event.key === "j") moveRow(1);
    else if (event.key === "k") moveRow(-1);
    else if (event.key === "Enter" && !event.target.closest("a, button, summary")) {
      const row = find("table.list tr.at[data-href]");
      if (row) location.href = row.dataset.href;
    } else if (event.key === "a") (find(".bar .btn-primary") || find(".bar .btn"))?.focus();
  });

  // --- fragments ------------------------------------------------------------
  document.body.addEventListener("htmx:responseError", (event) => {
    const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    const words = page.querySelector(".notice")?.textContent.trim();
    toast(words || "这次操作没有完成，请稍后再试。", "error");
  });
  document.body.addEventListener("htmx:sendError", () => toast("网络不通，内容没有提交，请检查网络后再试。", "error"));
  document.body.addEventListener("toast", (event) => toast(event.detail.text || event.detail.value, event.detail.kind));
  document.body.addEventListener("htmx:confirm", (event) => {
    const from = event.detail.elt;
    if (from.dataset.confirm === undefined || from.tagName === "FORM") return;
    event.preventDefault();
    confirmThen(from.dataset, () => event.detail.issueRequest(true));
  });

  window.jinzhi = {
    toast,
    confirmThen,
    remember,
    csrf: () => JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "",
  };
})();
