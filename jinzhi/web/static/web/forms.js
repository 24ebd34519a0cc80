// Forms: drafts that save themselves, the error summary, the progress rail, a guard against leaving.
(() => {
  "use strict";
  const PAUSE = 1500; // ms of quiet before a draft is sent

  // --- drafts: form[data-autosave=URL]; [data-saved] shows when ---
  function autosave(form) {
    const sign = form.querySelector("[data-saved]") || document.querySelector("[data-saved]");
    const key = `jz-draft:${form.dataset.autosave}`;
    let timer = 0;
    let running = false;
    let dirty = false;

    function say(state, words) {
      if (!sign) return;
      sign.dataset.state = state;
      sign.textContent = words;
    }

    function values() {
      const data = new FormData(form);
      const kept = new URLSearchParams();
      for (const [name, value] of data) if (typeof value === "string" && name !== "csrfmiddlewaretoken") kept.append(name, value);
      return kept;
    }

    async function save() {
      if (running) return void (timer = setTimeout(save, PAUSE));
      running = true;
      dirty = false;
      say("saving", "正在保存…");
      const body = values();
      try {
        const response = await fetch(form.dataset.autosave, {
          method: "POST", body, headers: { "X-CSRFToken": jinzhi.csrf(), "X-Autosave": "1", Accept: "application/json" },
        });
        if (response.redirected || response.status === 401 || response.status === 403) throw new Error("登录已失效，请在新窗口登录后继续，内容暂存在本机");
        const answer = await response.json().catch(() => ({}));
        if (!response.ok) throw new Error(answer.message || "没有保存成功，内容暂存在本机");
        localStorage.removeItem(key);
        say("saved", `已保存 ${answer.saved_at || clock()}`);
        form.dispatchEvent(new CustomEvent("autosaved", { detail: answer, bubbles: true }));
      } catch (error) {
        dirty = true;
        localStorage.setItem(key, JSON.stringify({ at: clock(), body: body.toString() }));
        const offline = error instanceof TypeError;
        say(offline ? "offline" : "failed", offline ? `网络不通，${clock()} 的内容暂存在本机` : error.message);
        if (offline) timer = setTimeout(save, 15000);
      } finally {
        running = false;
      }
    }

    function later() {
      dirty = true;
      clearTimeout(timer);
      timer = setTimeout(save, PAUSE);
    }

    form.addEventListener("input", later);
    form.addEventListener("change", later);
    form.addEventListener("submit", () => { dirty = false; clearTimeout(timer); localStorage.removeItem(key); });
    window.addEventListener("online", () => dirty && save());
    window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
    offerLocalCopy(form, key);
  }

  function clock() {
    return new Date().toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });
  }

  function offerLocalCopy(form, key) {
    let copy = null;
    try { copy = JSON.parse(localStorage.getItem(key)); } catch { /* damaged */ }
    if (!copy) return;
    const box = document.createElement("div");
    box.className = "notice notice-warning";
    const words = document.createElement("div");
    words.textContent = `本机存有 ${copy.at} 没有传上来的内容。`;
    const use = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm btn-primary", textContent: "恢复" });
    const drop = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: "不要了" });
    use.addEventListener("click", () => { fill(form, new URLSearchParams(copy.body)); box.remove(); form.dispatchEvent(new Event("input")); });
    drop.addEventListener("click", () => { localStorage.removeItem(key); box.remove(); });
    box.append(words, use, drop);
    form.prepend(box);
  }

  function fill(form, values) {
    for (const input of form.elements) {
      if (!input.name || !values.has(input.name) || ["file", "hidden", "submit"].includes(input.type)) continue;
      if (input.type === "checkbox" || input.type === "radio") input.checked = values.getAll(input.name).includes(input.value);
      else if (input.multiple) [...input.options].forEach((o) => (o.selected = values.getAll(input.name).includes(o.value)));
      else input.value = values.get(input.name);
    }
  }

  // --- after a refused form the summary has the focus; its links lead to the fields ---
  document.querySelector(".error-summary")?.focus();
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".error-summary a[href^='#']");
    const field = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (field) { event.preventDefault(); field.focus(); field.scrollIntoView({ block: "center" }); }
  });

  // --- progress rail: .rail a[href="#section"] follows what is on the screen ---
  const links = new Map([...document.querySelectorAll(".rail a[href^='#']")].map((a) => [decodeURIComponent(a.hash.slice(1)), a]));
  if (links.size) {
    const watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        links.forEach((a) => a.removeAttribute("aria-current"));
        links.get(entry.target.id)?.setAttribute("aria-current", "step");
      }
    }, { rootMargin: "-20% 0px -70% 0px" });
    links.forEach((_, id) => { const part = document.getElementById(id); if (part) watcher.observe(part); });
  }

  document.querySelectorAll("form[data-autosave]").forEach(autosave);
})();
