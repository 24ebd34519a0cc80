// Attachments: .drop[data-upload=URL] takes dragged or chosen files or a photograph, shows progress and refusals.
// The address gets one file per POST (field "file", plus data-fields='{"kind":"…"}') and answers JSON:
// 200 {"id", "name", "size", "url", "remove"} or 4xx {"message"}.
(() => {
  "use strict";

  function size(bytes) {
    return bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
  }

  function start(zone) {
    if (zone.dataset.ready) return;
    zone.dataset.ready = "1";
    const list = zone.querySelector(".drop-list") || zone.parentElement.querySelector(".drop-list");
    zone.querySelectorAll("input[type=file]").forEach((input) => input.addEventListener("change", () => {
      send(zone, list, [...input.files]);
      input.value = "";
    }));
    zone.querySelectorAll("[data-pick]").forEach((button) => button.addEventListener("click", () => zone.querySelector(`input[data-for="${button.dataset.pick}"]`).click()));
    for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
    for (const name of ["dragleave", "drop"]) zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.remove("over"); });
    zone.addEventListener("drop", (event) => send(zone, list, [...event.dataTransfer.files]));
    zone.addEventListener("paste", (event) => send(zone, list, [...event.clipboardData.files]));
  }

  async function send(zone, list, files) {
    for (const file of files) await sendOne(zone, list, file); // one after another: kind to weak networks
  }

  function sendOne(zone, list, file) {
    return new Promise((done) => {
      const line = row(list, file.name, size(file.size));
      const most = Number(zone.dataset.maxMb || 0);
      if (most && file.size > most * 1048576) {
        fail(line, `文件有 ${size(file.size)}，超过 ${most} MB 的限制，没有上传。`);
        return done();
      }
      const progress = document.createElement("progress");
      progress.max = 100;
      progress.value = 0;
      line.append(progress);
      const data = new FormData();
      for (const [name, value] of Object.entries(JSON.parse(zone.dataset.fields || "{}"))) data.append(name, value);
      data.append("file", file);
      const request = new XMLHttpRequest();
      request.open("POST", zone.dataset.upload);
      request.setRequestHeader("X-CSRFToken", jinzhi.csrf());
      request.setRequestHeader("Accept", "application/json");
      request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) progress.value = 100 * event.loaded / event.total; });
      request.addEventListener("loadend", () => {
        progress.remove();
        let answer = {};
        try { answer = JSON.parse(request.responseText); } catch { /* not ours */ }
        if (request.status >= 200 && request.status < 300 && answer.id !== undefined) accept(zone, line, answer);
        else fail(line, answer.message || (request.status === 413 ? "文件太大，没有上传。" : request.status ? "没有上传成功，请再试一次。" : "网络不通，没有上传，请再试一次。"));
        done();
      });
      request.send(data);
    });
  }

  function row(list, name, words) {
    const line = document.createElement("li");
    const mark = document.createElement("span");
    mark.textContent = "…";
    const title = document.createElement("span");
    title.className = "drop-name";
    title.textContent = name;
    const end = document.createElement("span");
    end.className = "drop-end quiet";
    end.textContent = words;
    line.append(mark, title, end);
    list.append(line);
    return line;
  }

  function accept(zone, line, answer) {
    line.dataset.id = answer.id;
    line.firstChild.textContent = "✓";
    const title = line.querySelector(".drop-name");
    if (answer.url) {
      const link = Object.assign(document.createElement("a"), { href: answer.url, target: "_blank", textContent: answer.name });
      link.rel = "noopener";
      title.replaceChildren(link);
    }
    if (zone.dataset.name) line.append(Object.assign(document.createElement("input"), { type: "hidden", name: zone.dataset.name, value: answer.id }));
    if (answer.remove) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm btn-link", textContent: "删除" });
      button.dataset.remove = answer.remove;
      line.querySelector(".drop-end").append(" ", button);
    }
    zone.dispatchEvent(new CustomEvent("uploaded", { detail: answer, bubbles: true }));
    zone.closest("form")?.dispatchEvent(new Event("input"));
  }

  function fail(line, message) {
    line.firstChild.textContent = "×";
    const words = document.createElement("span");
    words.className = "drop-error";
    words.setAttribute("role", "alert");
    words.textContent = message;
    line.append(words);
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-remove]");
    if (!button) return;
    const response = await fetch(button.dataset.remove, { method: "POST", headers: { "X-CSRFToken": jinzhi.csrf(), Accept: "application/json" } }).catch(() => null);
    if (!response?.ok) return jinzhi.toast("没有删除成功，请再试一次。", "error");
    const form = button.closest("form");
    button.closest("li").remove();
    form?.dispatchEvent(new Event("input"));
  });

  const all = () => document.querySelectorAll(".drop[data-upload]").forEach(start);
  document.body.addEventListener("htmx:afterSettle", all);
  all();
})();
