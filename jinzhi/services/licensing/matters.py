"""The licences the public can apply for."""

from jinzhi.casework.matters import Matter

MATTERS = [
    Matter(
        procedure="food_production_licence",
        slug="food-production-licence",
        title="食品生产许可",
        summary="从事食品、食品添加剂生产，应当先取得许可。网上申请，县级受理和核查，市级（特殊食品由省级）决定。",
        audience="企业、农民专业合作社、个体工商户",
        result="食品生产许可证（正本、副本，电子证书）",
        fee="不收费",
        fee_law="《中华人民共和国行政许可法》第五十八条",
        domain="食品安全",
        apply="licensing-start",
        conditions=(
            "先行取得营业执照等合法主体资格",
            "具有与生产的食品品种、数量相适应的场所，环境整洁，与污染源保持距离",
            "具有相适应的生产设备设施",
            "有食品安全专业技术人员、管理人员和保证食品安全的规章制度",
            "具有合理的设备布局和工艺流程，防止交叉污染",
        ),
        icon="bread",
    )
]
