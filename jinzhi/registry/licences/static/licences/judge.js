// What a licence's QR is worth, worked out on the phone: the signature against the published keys, the days against
// the phone's clock, the number against the list of ended licences. Pure: reads and writes nothing. The format is
// that of registry/licences/payload.py.
(() => {
  "use strict";
  const MEMBERS = [
    "version", "key", "number", "face_version", "kind", "holder", "holder_code", "scope", "address",
    "valid_from", "valid_to", "issued_on", "agency", "signed_on", "demo",
  ];
  const WHOLE = new Set(["version", "face_version", "valid_from", "valid_to", "issued_on", "signed_on", "demo"]);
  const ENDED = {
    suspended: ["已暂停", "发证机关已暂停此证，恢复前不得凭此证从事许可的活动。"],
    withdrawn: ["已撤回", "发证机关已依法撤回许可。"],
    revoked: ["已撤销", "发证机关已依法撤销准予许可的决定。"],
    punished: ["已吊销", "持证人因违法受到行政处罚，许可证已被吊销。"],
    cancelled: ["已注销", "许可证已办理注销，不再有效。"],
  };

  const SKEW = 10 * 60_000; // milliseconds a phone's clock may be behind the register's

  const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

  function decoded(text) {
    if (!/^[A-Za-z0-9_-]+$/.test(text)) throw new Error("not base64url");
    const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4));
    const bytes = Uint8Array.from(raw, (c) => c.charCodeAt(0));
    const again = btoa(raw).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    if (again !== text) throw new Error("not canonical");
    return bytes;
  }

  function signed(message, signature, publicKey, userId) {
    try {
      return window.sm2.doVerifySignature(Array.from(message), hex(signature), publicKey, { hash: true, der: true, userId });
    } catch {
      return false;
    }
  }

  // The members of a text, or null when it is none of a licence.
  function parse(text) {
    try {
      if (text.length > 4000 || text.split(".").length !== 2) return null;
      const [message, signature] = text.split(".").map(decoded);
      const values = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(message));
      if (!Array.isArray(values) || values.length !== MEMBERS.length || values[0] !== 1) return null;
      const face = {};
      for (const [n, name] of MEMBERS.entries()) {
        const fits = WHOLE.has(name) ? Number.isInteger(values[n]) : typeof values[n] === "string";
        if (!fits) return null;
        face[name] = values[n];
      }
      return { message, signature, face };
    } catch {
      return null;
    }
  }

  const number = (day) => (day ? Number(day.replaceAll("-", "")) : 0);
  const believed = (key, day) =>
    key.state !== "compromised" && day >= number(key.valid_from) && (!key.valid_to || day <= number(key.valid_to));
  const plain = (text) => text.normalize("NFKC").toUpperCase().replace(/[\s\-‐-―_·.]+/g, "");

  // The list of ended licences, if it is genuine: what it says, and whether it is too old to be relied on.
  function readList(list, keys, now) {
    if (!list) return null;
    const key = keys.keys.find((k) => k.id === list.key);
    const body = new TextEncoder().encode(list.body);
    let signature;
    try { signature = decoded(list.signature); } catch { return null; }
    if (!key || key.state === "compromised" || !signed(body, signature, key.public, keys.user_id)) return null;
    const read = JSON.parse(list.body);
    return { ...read, stale: now > Date.parse(read.fresh_until), age: now - Date.parse(read.issued_at) };
  }

  // The law's day, wherever the phone is.
  const today = (now) => Number(new Date(now + 8 * 3600_000).toISOString().slice(0, 10).replaceAll("-", ""));

  function judge({ text, keys, list, now = Date.now(), asked = "" }) {
    const told = (state, tone, heading, words, more = {}) => ({ state, tone, heading, words, ...more });
    if (!keys?.keys?.length) {
      return told("no_keys", "unsure", "还不能离线查验", "这部手机没有保存公布的公钥。请联网打开一次本页面，之后没有网络也能查验。");
    }
    const found = parse(text);
    if (!found) return told("malformed", "bad", "不是证照二维码", "二维码里没有本系统签发的证照内容。请改用证书编号联网查验。");
    const { message, signature, face } = found;
    const key = keys.keys.find((k) => k.id === face.key);
    if (!key) {
      return told("unknown_key", "bad", "不能确认真伪：签发密钥不明",
        "签发这个二维码的密钥不在公布的公钥表中，多半是伪造的。如果证照刚刚签发，请联网后再查验一次。");
    }
    if (!signed(message, signature, key.public, keys.user_id)) {
      return told("forged", "bad", "签名不符：伪造或者改动过", "二维码的内容与发证机关的签名对不上，不要相信这张证照，也不要相信二维码里的文字。");
    }
    if (!believed(key, face.signed_on)) {
      return told("bad_key", "bad", "签发密钥已作废",
        "签发这个二维码的密钥已公告作废，或者签发时已经停用。请持证人重新下载证照，或者联网查验。", { key });
    }
    const known = readList(list, keys, now);
    const more = { face, key, list: known };
    if (asked && plain(asked) !== plain(face.number)) {
      return told("mismatch", "bad", "二维码与编号不符", "二维码是另一张证照的，网址中的编号被换过。", more);
    }
    const day = today(now);
    const listed = known && Object.hasOwn(known.ended, face.number) ? known.ended[face.number] : null;
    const ended = listed && listed[1] <= day ? listed : null;
    if (ended && ended[0] !== "suspended") return told(ended[0], "bad", ...ENDED[ended[0]], { ...more, since: ended[1] });
    if (face.valid_to && day > face.valid_to) {
      return told("expired", "bad", "已过期", "有效期已满。如果已经办理延续，请持证人出示新的证照，或者联网查验。", more);
    }
    if (ended) return told("suspended", "bad", ...ENDED.suspended, { ...more, since: ended[1] });
    if (known && known.age < -SKEW) { // a clock that is behind makes what has expired look good
      return told("clock", "unsure", "手机时间不对", "手机的时间早于状态清单的签发时间，有效期无法判断。请校准手机的日期和时间，再查验一次。", more);
    }
    if (face.valid_from && day < face.valid_from) {
      return told("future", "unsure", "尚未生效", "有效期还没有开始，按这部手机的日期计算。", more);
    }
    if (known && (known.faces[face.number] ?? 0) > face.face_version) {
      return told("replaced", "unsure", "真实，但已换发", "签名真实，但这是换发前的旧证，登记信息后来有变更。请持证人出示新的证照。", more);
    }
    if (!known) {
      return told("no_list", "unsure", "签名真实，状态未核对", "这部手机没有可用的证照状态清单，不知道是否已被暂停、撤销或者注销。请联网查验。", more);
    }
    if (known.stale) {
      return told("stale", "unsure", "签名真实，状态清单已陈旧", "签名真实，有效期未满；但手机里的状态清单太旧，此后的暂停、撤销、注销不会显示。请联网查验。", more);
    }
    return told("good", "good", "有效", "签名真实，在有效期内，未列入失效清单。", more);
  }

  window.JinzhiLicence = { judge, parse };
})();
