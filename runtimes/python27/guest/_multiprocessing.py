"""The module _multiprocessing of a platform without processes: multiprocessing can be imported, and says so when it is used."""

flags = {}


class Connection(object):
    def __init__(self, handle, readable=True, writable=True):
        raise NotImplementedError("a sandbox has one process")
