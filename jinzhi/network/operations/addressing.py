"""地址规划: blocks lie in one another and never across each other; an address belongs to one device."""

import ipaddress

from jinzhi.casework.refusals import Refused
from jinzhi.foundation.places import scope
from jinzhi.network.operations.models import AddressBlock, Equipment


def network(text: str):
    """The block as written, in canonical form. Raises Refused: not an address, bits behind the mask."""
    try:
        return ipaddress.ip_network(str(text).strip())
    except ValueError:
        raise Refused(
            "网段应写成“网络地址/掩码位数”，如 10.133.1.0/24，网络地址与掩码应当一致", "cidr"
        ) from None


def check_block(block: AddressBlock) -> None:
    """Whether the block may be entered; its `cidr` becomes canonical. Looks at all blocks, as the system."""
    mine = network(block.cidr)
    block.cidr = str(mine)
    if block.gateway and ipaddress.ip_address(block.gateway) not in mine:
        raise Refused(f"网关 {block.gateway} 不在网段 {mine} 内", "gateway")
    lo, hi = scope.jurisdiction(block.place)
    with scope.acting(scope.SYSTEM):
        others = list(AddressBlock.objects.exclude(pk=block.pk).values_list("cidr", "place"))
    for text, place in others:
        other = ipaddress.ip_network(text)
        if mine.version != other.version or not mine.overlaps(other):
            continue
        if mine == other:
            raise Refused(f"网段 {mine} 已经分配", "cidr")
        theirs = scope.jurisdiction(place)
        inner_lo, inner_hi, outer = (lo, hi, theirs) if mine.subnet_of(other) else (*theirs, (lo, hi))
        if not (outer[0] <= inner_lo and inner_hi <= outer[1]):
            raise Refused(f"网段 {mine} 与其他机构的网段 {other} 重叠", "cidr")


def check_address(device: Equipment) -> None:
    """A device's address is its own and lies in the plan of its place."""
    if not device.address:
        return
    address = ipaddress.ip_address(device.address)
    lo, hi = scope.jurisdiction(device.place)
    with scope.acting(scope.SYSTEM):
        same = Equipment.objects.filter(address=str(address)).exclude(pk=device.pk).exclude(state="retired")
        twice = same.values_list("number", flat=True).first()
        blocks = list(AddressBlock.objects.values_list("cidr", "place"))
    if twice:
        raise Refused(f"地址 {address} 已由设备 {twice} 使用", "address")
    for text, place in blocks:
        outer = scope.jurisdiction(place)
        if address in ipaddress.ip_network(text) and outer[0] <= lo and hi <= outer[1]:
            return
    raise Refused(f"地址 {address} 不在本机构的地址规划内，请先登记网段", "address")
