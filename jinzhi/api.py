"""The public and partner API under /api/v1: routers of the rooms, errors in Chinese."""

from ninja import NinjaAPI

from jinzhi.runtime import discovery

api = NinjaAPI(title="金质 Jinzhi", version="1", urls_namespace="api")
for _, module in discovery.declared("api"):
    api.add_router(module.PREFIX, module.router)
