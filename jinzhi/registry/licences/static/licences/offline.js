// The offline page: takes the QR's text from the address, from a photograph or from what is typed, and shows the verdict.
(() => {
  "use strict";
  const find = (selector) => document.querySelector(selector);
  const { keys: keysAt, list: listAt } = document.body.dataset;

  async function held(address) {
    try {
      const answer = await fetch(address, { credentials: "omit" });
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  const cn = (day) => (day ? `${Math.floor(day / 10000)}年${Math.floor(day / 100) % 100}月${day % 100}日` : "");

  function ago(milliseconds) {
    const minutes = Math.max(0, Math.round(milliseconds / 60_000));
    if (minutes < 60) return `${minutes} 分钟前`;
    return minutes < 48 * 60 ? `${Math.round(minutes / 60)} 小时前` : `${Math.round(minutes / 1440)} 天前`;
  }

  function line(list, title, value) {
    if (!value) return;
    const term = document.createElement("dt");
    const words = document.createElement("dd");
    term.textContent = title;
    words.textContent = value;
    const field = document.createElement("div");
    field.className = "field";
    field.append(term, words);
    list.append(field);
  }

  function show(verdict) {
    const box = find("#verdict");
    box.className = `verdict verdict-${verdict.tone}`;
    box.dataset.state = verdict.state;
    box.hidden = false;
    for (const icon of box.querySelectorAll("[data-tone]")) icon.toggleAttribute("hidden", icon.dataset.tone !== verdict.tone);
    const since = verdict.since ? `自 ${cn(verdict.since)} 起${verdict.heading}。` : "";
    find("#verdict-heading").textContent = verdict.heading;
    find("#verdict-words").textContent = since + verdict.words;
    const face = verdict.face;
    find("#verdict-glance").textContent = face ? `${face.holder}　${face.kind}` : "";
    find("#face").hidden = !face;
    find("#demo").hidden = !face?.demo;
    const fields = find("#face-fields");
    fields.replaceChildren();
    if (face) {
      line(fields, "证书编号", face.number);
      line(fields, "持证人", face.holder);
      line(fields, "持证人代码", face.holder_code);
      line(fields, "许可范围", face.scope);
      line(fields, "地址", face.address);
      line(fields, "有效期", `${cn(face.valid_from) || "—"} 至 ${cn(face.valid_to) || "长期"}`);
      line(fields, "发证机关", face.agency);
      line(fields, "发证日期", cn(face.issued_on));
      line(fields, "二维码签发", `${cn(face.signed_on)}，第 ${face.face_version} 版，密钥 ${face.key}${verdict.key?.state === "retired" ? "（已停用，签发时在用）" : ""}`);
    }
    const list = verdict.list;
    find("#list-age").textContent = list
      ? `状态清单：${new Date(list.issued_at).toLocaleString("zh-CN", { timeZone: "Asia/Shanghai", hour12: false })} 签发，${ago(list.age)}${list.stale ? "，已陈旧" : ""}。`
      : face ? "状态清单：没有，或者没有通过签名核对。" : "";
    find("#ask").hidden = true;
    find("#again").hidden = false;
  }

  function textOf(words) {
    const typed = words.trim();
    try {
      const address = new URL(typed);
      return { text: address.searchParams.get("t") ?? "", asked: askedIn(address.pathname) };
    } catch {
      return { text: typed, asked: "" };
    }
  }

  function askedIn(path) {
    const [, number] = /^\/verify\/([^/]+)$/.exec(path) ?? [];
    try { return number ? decodeURIComponent(number) : ""; } catch { return number; }
  }

  async function verify(words) {
    const [keys, list] = await Promise.all([held(keysAt), held(listAt)]);
    show(window.JinzhiLicence.judge({ ...textOf(words), keys, list }));
  }

  async function photographed(event) {
    const [photo] = event.target.files;
    event.target.value = "";
    if (!photo) return;
    const words = find("#scan-words");
    words.textContent = "正在识别…";
    try {
      const [code] = await new BarcodeDetector({ formats: ["qr_code"] }).detect(await createImageBitmap(photo));
      words.textContent = code ? "" : "照片里没有认出二维码，请靠近一些、对准后再拍。";
      if (code) await verify(code.rawValue);
    } catch {
      words.textContent = "这张照片读不出来，请重拍。";
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    find("#typed").addEventListener("submit", (event) => {
      event.preventDefault();
      verify(find("#text").value);
    });
    if ("BarcodeDetector" in window) {
      find("#scan").hidden = false;
      find("#photo").addEventListener("change", photographed);
    }
    if (new URLSearchParams(location.search).has("t")) verify(location.href);
    else if (askedIn(location.pathname)) find("#no-network").hidden = false;
  });
})();
