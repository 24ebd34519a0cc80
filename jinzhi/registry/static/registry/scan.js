// Verification from a photograph of the QR, where the browser can read one (BarcodeDetector).
// Only an address of this site is followed: a QR that leads elsewhere is said to be foreign.
(() => {
  "use strict";
  const zone = document.querySelector("[data-scan]");
  if (!zone || !("BarcodeDetector" in window)) return;
  const words = zone.querySelector("[data-scan-words]");
  zone.hidden = false;

  zone.querySelector("input").addEventListener("change", async (event) => {
    const [photo] = event.target.files;
    event.target.value = "";
    if (!photo) return;
    words.textContent = "正在识别…";
    try {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      const [code] = await detector.detect(await createImageBitmap(photo));
      words.textContent = code ? follow(code.rawValue) : "照片里没有认出二维码，请靠近一些、对准后再拍。";
    } catch {
      words.textContent = "这张照片读不出来，请重拍，或者直接输入编号。";
    }
  });

  function follow(text) {
    let address;
    try { address = new URL(text); } catch { return "二维码里不是网址，请直接输入证书编号。"; }
    if (!address.pathname.startsWith("/verify/")) return "这个二维码不是证书查验码。";
    if (address.host !== location.host) return `二维码指向 ${address.host}，不是本网站，请不要相信它显示的结果。`;
    location.href = address.pathname + address.search;
    return "正在查验…";
  }
})();
