"""The licences the public can apply for, and what may be applied for about a licence one holds."""

from jinzhi.casework.matters import Matter

FOOD = (
    "先行取得营业执照等合法主体资格",
    "具有与生产的食品品种、数量相适应的场所，环境整洁，与污染源保持距离",
    "具有相适应的生产设备设施",
    "有食品安全专业技术人员、管理人员和保证食品安全的规章制度",
    "具有合理的设备布局和工艺流程，防止交叉污染",
)
HELD = ("持有本机关颁发的、尚在有效期内的许可证",)

MATTERS = [
    Matter(
        procedure="food_production_licence", slug="food-production-licence", title="食品生产许可", domain="食品安全",
        summary="从事食品、食品添加剂生产，应当先取得许可。网上申请，县级受理和核查，市级（特殊食品由省级）决定。",
        result="食品生产许可证（正本、副本，电子证书）", conditions=FOOD, icon="bread",
    ),
    Matter(
        procedure="food_production_commitment", slug="food-production-commitment", title="食品生产许可（告知承诺）",
        summary="承诺符合条件的，受理后即可作出决定；发证后三个月内核查，承诺不实的撤销。特殊食品不适用。", domain="食品安全",
        result="食品生产许可证（电子证书）", conditions=FOOD, icon="checklist",
    ),
    Matter(
        procedure="food_production_change", slug="food-production-change", title="食品生产许可变更", domain="食品安全",
        summary="名称、布局和工艺、主要设备、食品类别等发生变化的，应当在变化后及时申请；生产场所迁址的重新申请。",
        result="变更后的食品生产许可证", conditions=HELD, icon="edit",
    ),
    Matter(
        procedure="food_production_renewal", slug="food-production-renewal", title="食品生产许可延续", domain="食品安全",
        summary="有效期届满三十个工作日前申请；届满前没有作出决定的，视为准予延续。", result="延续后的食品生产许可证",
        conditions=HELD, icon="refresh",
    ),
    Matter(
        procedure="special_equipment_licence", slug="special-equipment-licence", title="特种设备生产许可",
        summary="锅炉、压力容器、电梯、起重机械等的设计、制造、安装、改造、修理和充装。省级受理，鉴定评审机构评审后决定。",
        domain="特种设备安全", result="特种设备生产许可证", icon="elevator",
        conditions=(
            "有与生产相适应的专业技术人员",
            "有与生产相适应的设备、设施和工作场所",
            "有健全的质量保证、安全管理和岗位责任等制度",
        ),
    ),
    Matter(
        procedure="special_equipment_renewal", slug="special-equipment-renewal", title="特种设备生产许可换证",
        summary="有效期届满六个月前申请，经鉴定评审；符合条件的可以自我声明承诺换证一次。", domain="特种设备安全",
        result="新的特种设备生产许可证（顺序号不变，年份为新的到期年份）", conditions=HELD, icon="refresh",
    ),
    Matter(
        procedure="special_equipment_change", slug="special-equipment-change", title="特种设备生产许可变更",
        summary="单位名称、法定代表人、住所或者制造地址名称变更。", domain="特种设备安全", result="变更后的特种设备生产许可证",
        conditions=HELD, icon="edit",
    ),
    Matter(
        procedure="type_approval", slug="type-approval", title="计量器具型式批准",
        summary="制造列入目录且标注 P 的计量器具新产品，应当经型式批准。省级受理，授权技术机构型式评价后决定。", domain="计量",
        audience="制造计量器具的企业、事业单位、个体工商户", result="计量器具型式批准证书（长期有效）", icon="ruler-measure",
    ),
    Matter(
        procedure="measuring_instrument_licence", slug="measuring-instrument-licence", title="制造计量器具许可",
        summary="2017 年 12 月 28 日起取消。原有许可证可以查询；列入目录的新产品请办理型式批准。", domain="计量", icon="scale",
        result="制造计量器具许可证",
    ),
    Matter(
        procedure="measuring_instrument_renewal", slug="measuring-instrument-renewal", title="制造计量器具许可复查换证",
        summary="2017 年 12 月 28 日起取消。", domain="计量", icon="scale", result="制造计量器具许可证",
    ),
    Matter(
        procedure="licence_reissue", slug="licence-reissue", title="许可证补领", domain="持证事项",
        summary="许可证遗失、毁损的，补发同一编号和有效期的证书，原证书作废。", result="补发的许可证",
        conditions=HELD, icon="copy",
    ),
    Matter(
        procedure="licence_cancellation", slug="licence-cancellation", title="许可证注销", domain="持证事项",
        summary="终止生产经营，或者许可被撤回、撤销、吊销的，申请办理注销手续。", result="注销决定书", icon="certificate-off",
    ),
    Matter(
        procedure="joint_licensing", slug="joint-licensing", title="行政许可联合办理", domain="持证事项",
        summary="两项以上许可一并申请、统一受理、联合决定，四十五个工作日内办结。", result="准予行政许可决定书", icon="link",
    ),
]  # fmt: skip
