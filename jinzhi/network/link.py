"""The connection to the message server, and the one thread in which a process talks to its database.

Nothing blocking happens on the event loop: a client that does not answer pings for some seconds is dropped.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import nats as nats_client
from django.db import InterfaceError, OperationalError, connection

from jinzhi.foundation.exchange import sending
from jinzhi.foundation.places import scope
from jinzhi.network import folder

log = logging.getLogger(__name__)

Lost = (OperationalError, InterfaceError)
AGAIN = 0.5  # seconds until a lost database is tried again


async def until(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but not longer than this."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


def tls() -> ssl.SSLContext:
    """This node's certificate, and the one authority it believes."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(folder.path("ca.pem")))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(str(folder.path("node.pem")), str(folder.path("node.key")))
    return context


def renew(context: ssl.SSLContext) -> None:
    """Let the next handshake of a living connection use the certificate that is in the folder now."""
    with contextlib.suppress(OSError):  # ssl.SSLError too: certificate and key are just being replaced
        context.load_cert_chain(str(folder.path("node.pem")), str(folder.path("node.key")))


async def connect(name: str, **callbacks: Any):
    """A connection as this node that never gives up; `name` tells its processes apart in the server's lists."""
    said = folder.node()
    address = said["listen"] if said["role"] == "hub" and not said.get("external") else said["nats"]
    host, _, port = address.rpartition(":")
    if host in ("0.0.0.0", "::"):  # noqa: S104  where the server listens; the connection goes to itself
        host = "127.0.0.1"

    context = tls()
    told = callbacks.pop("disconnected_cb", None)

    async def on_error(error: Exception) -> None:
        log.warning("%s: %s", name, error)
        renew(context)

    async def on_disconnect() -> None:
        renew(context)
        if told:
            await told()

    options: dict[str, Any] = {
        "servers": [f"tls://{host}:{port}"],
        "name": f"{said['node']} {name}",
        "nkeys_seed": str(folder.path("node.nk")),
        "inbox_prefix": f"_INBOX.{said['node']}",
        "tls": context,
        "tls_hostname": host,
        "connect_timeout": 2,
        "reconnect_time_wait": 0.3,
        "max_reconnect_attempts": -1,
        "ping_interval": 2,
        "max_outstanding_pings": 2,
        "error_cb": on_error,
        "disconnected_cb": on_disconnect,
        "pending_size": 16 * 2**20,
        **callbacks,
    }
    while True:
        try:
            return await nats_client.connect(**options)
        except Exception as error:
            log.warning("%s cannot connect: %s", name, error)
            await asyncio.sleep(0.5)
            renew(context)


class Database:
    """The process's one database thread: in the system's scope, reconnecting, with the relay's lock if asked for."""

    def __init__(self, *, relay: bool = False):
        self.relay = relay
        self.locked = False
        self.lost = False
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="database", initializer=self._begin)

    @staticmethod
    def _begin() -> None:
        scope.enter(scope.SYSTEM)

    async def __call__(self, action: Callable, *arguments: Any, **named: Any) -> Any:
        """Run `action` there, again and again while the database is away. Other errors come through."""
        while True:
            try:
                found = await asyncio.get_running_loop().run_in_executor(
                    self.thread, lambda: self._run(action, arguments, named)
                )
            except Lost as error:
                if not self.lost:
                    log.warning("the database is away: %s", str(error).splitlines()[0])
                self.lost = True
                await asyncio.sleep(AGAIN)
                continue
            except sending.AlreadyRelaying:
                log.warning("another relay of this node is running; waiting")
                await asyncio.sleep(2)
                continue
            if self.lost:
                log.warning("the database is back")
                self.lost = False
            return found

    def _run(self, action: Callable, arguments: tuple, named: dict) -> Any:
        try:
            if connection.connection is not None and connection.connection.closed:
                connection.close()
            if connection.connection is None:
                self.locked = False
            if self.relay and not self.locked:
                self._lock()
            return action(*arguments, **named)
        except Lost:
            connection.close()
            self.locked = False
            raise

    def _lock(self) -> None:
        """The advisory lock lives and dies with the connection."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [sending.RELAY_LOCK])
            if not cursor.fetchone()[0]:
                raise sending.AlreadyRelaying("本节点已有一个转发进程在运行")
        self.locked = True

    def close(self) -> None:
        self.thread.submit(connection.close)
        self.thread.shutdown()
