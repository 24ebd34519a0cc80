from jinzhi.registry.tests.conftest import certificate, enterprise  # noqa: F401
