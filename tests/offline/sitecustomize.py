"""Запрет сети на время тестов: сокеты соединяются только с этой же машиной.

Папка с этим файлом стоит в PYTHONPATH, поэтому Python исполняет его при старте каждого
дочернего процесса: и ядер, на которых идут уроки, и команды ``lecture``. Отказ выглядит так
же, как на машине без сети, чтобы проверялся настоящий путь: те же классы ошибок, те же коды.
"""

import errno
import ipaddress
import socket

MESSAGE = "сеть в тестах закрыта"
_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex
_sendto, _getaddrinfo = socket.socket.sendto, socket.getaddrinfo


def is_local(host):
    """Ведёт ли адрес на эту же машину."""
    if host is None or host in ("", b"", "localhost", b"localhost"):
        return True
    try:
        name = host.decode() if isinstance(host, bytes) else host
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _allowed(sock, address):
    # Сокеты в файловой системе (AF_UNIX) из машины не выходят.
    return sock.family not in (socket.AF_INET, socket.AF_INET6) or is_local(address[0])


def _guarded_connect(self, address):
    if not _allowed(self, address):
        raise OSError(errno.ENETUNREACH, f"{MESSAGE}: {address[0]}")
    return _connect(self, address)


def _guarded_connect_ex(self, address):
    return _connect_ex(self, address) if _allowed(self, address) else errno.ENETUNREACH


def _guarded_sendto(self, data, *rest):
    if not _allowed(self, rest[-1]):
        raise OSError(errno.ENETUNREACH, f"{MESSAGE}: {rest[-1][0]}")
    return _sendto(self, data, *rest)


def _guarded_getaddrinfo(host, *args, **kwargs):
    if not is_local(host):
        raise socket.gaierror(socket.EAI_AGAIN, f"{MESSAGE}: {host}")
    return _getaddrinfo(host, *args, **kwargs)


def block():
    """Закрывает сеть в этом процессе."""
    socket.socket.connect, socket.socket.connect_ex = _guarded_connect, _guarded_connect_ex
    socket.socket.sendto, socket.getaddrinfo = _guarded_sendto, _guarded_getaddrinfo


def unblock():
    """Возвращает всё как было."""
    socket.socket.connect, socket.socket.connect_ex = _connect, _connect_ex
    socket.socket.sendto, socket.getaddrinfo = _sendto, _getaddrinfo


block()
