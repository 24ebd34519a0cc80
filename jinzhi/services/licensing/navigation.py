from jinzhi.web.navigation import Entry

ENTRIES = [Entry("我的办事", "my-home", "building-store", "企业办事", 0, faces=("enterprise",))]
