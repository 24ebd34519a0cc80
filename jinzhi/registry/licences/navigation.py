"""The wallet's menu entry, and the words of what this room logs."""

from jinzhi.web.navigation import Entry

ENTRIES = [Entry("我的证照", "licences-wallet", "certificate", "企业办事", 10, faces=("enterprise",))]

AUDIT_KINDS = {
    "licences.key_new": "启用证照签发密钥",
    "licences.key_retired": "停用证照签发密钥",
    "licences.shared": "分享证照",
    "licences.share_revoked": "收回证照分享",
}
